export { type GenerateOptions, generateModule } from "./generate-module.js";
export type { ShaderFile } from "./read-shader.js";
