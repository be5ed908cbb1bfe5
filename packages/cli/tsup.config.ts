import { build } from "../../tools/tsconfig/tsup.js";

export default build({
  entry: [
    "src/index.ts",
    "src/main.ts",
    "src/register.ts",
    "src/load-shader.ts",
    "src/vite.ts",
    "src/probe-gpu.ts",
    "src/detect-races.ts",
  ],
  platform: "node",
});
