import { build } from "../../tools/tsconfig/tsup.js";

export default build();
