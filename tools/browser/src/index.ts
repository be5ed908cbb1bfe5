export { chromiumProject } from "./chromium-project.js";
export { hasChromium } from "./unpack-chromium.js";
