export { checkedProgram, type KeptPrograms } from "./kept-program.js";
export { loadEntryPoints } from "./load-entry-points.js";
export { interfacesOf, loadKernel } from "./load-kernel.js";
export { loadProgram } from "./load-program.js";
export type { LoadedProgram } from "./loaded-program.js";
export { variantOf, wholeVariants } from "./program-variant.js";
export { splitVariant } from "./split-variant.js";
export { translator } from "./translator.js";
