import { build } from "../../tools/tsconfig/tsup.js";

export default build({ entry: ["src/main.ts"], platform: "node", dts: false });
