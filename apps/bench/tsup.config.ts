import { build } from "../../tools/tsconfig/tsup.js";

export default build({
  entry: { main: "src/main.ts", "cold-process": "src/cold/cold-process.ts" },
  platform: "node",
  dts: false,
});
