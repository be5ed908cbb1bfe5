import { build } from "../../tools/tsconfig/tsup.js";

export default build({
  entry: { main: "src/main.ts", "cold-process": "src/cold/cold-process.ts", thread: "src/scale/thread.ts" },
  platform: "node",
  dts: false,
});
