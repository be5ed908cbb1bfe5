export { chromiumProject } from "./chromium-project.js";
export { launchOptions, sandboxFlag, webGpuFlags } from "./launch-options.js";
export { hasChromium } from "./unpack-chromium.js";
