export { softwareGpu } from "./software-gpu.js";
