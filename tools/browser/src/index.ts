export { chromiumProject } from "./chromium-project.js";
export { launchOptions } from "./launch-options.js";
export { hasChromium } from "./unpack-chromium.js";
