import { build } from "../../tools/tsconfig/tsup.js";

export default build({ entry: ["src/index.ts", "src/child.ts", "src/watch-parent.ts"], platform: "node" });
