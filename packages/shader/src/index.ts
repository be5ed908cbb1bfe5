export { interfacesOf, loadKernel, translator } from "./load-kernel.js";
export { loadProgram } from "./load-program.js";
export type { LoadedProgram } from "./loaded-program.js";
export { variantOf, wholeVariants } from "./program-variant.js";
export { splitVariant } from "./split-variant.js";
