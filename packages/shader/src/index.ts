export { listConstants, type ShaderConstant } from "./load/list-constants.js";
export { loadEntryPoints } from "./load/load-entry-points.js";
export { interfacesOf, loadKernel, subjectOf } from "./load/load-kernel.js";
export { type LoadOptions, loadProgram } from "./load/load-program.js";
export type { LoadedProgram } from "./load/loaded-program.js";
export { checkedProgram, type StoredPrograms } from "./load/stored-program.js";
export { translator } from "./load/translator.js";
export {
  checkTranslatorOptions,
  type TranslatorOptions,
  type TranslatorWasm,
  translatorOptionNames,
} from "./load/translator-wasm.js";
export { variantOf, wholeVariants } from "./wgsl/program-variant.js";
export { splitVariant } from "./wgsl/split-variant.js";
