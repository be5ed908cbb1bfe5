import { build } from "../../tools/tsconfig/tsup.js";

export default build({ entry: ["src/index.ts", "src/in-page.ts"], platform: "node" });
