import { build } from "@kiln-gpu/tsconfig/tsup";

export default build();
