import { build } from "../../tools/tsconfig/tsup.js";

export default build({ entry: ["src/index.ts", "src/main.ts"], platform: "node" });
