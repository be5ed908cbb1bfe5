/** Lets Vite import shaders, in pages and in Node. */
import { basename } from "node:path";
import { isShaderName } from "./read-shader.js";
import { shaderModule } from "./shader-module.js";

/** A plugin of Vite's, as far as this one is. */
export interface ShaderPlugin {
  readonly name: string;
  readonly enforce: "pre";
  load(id: string): Promise<string | undefined>;
}

/**
 * A plugin for which `.wgsl` and `.spv` files are modules of kernels. A shader with a query, as in `?raw` and `?url`, is Vite's own.
 * @example `defineConfig({ plugins: [shaders()] })`
 */
export function shaders(): ShaderPlugin {
  return {
    name: "kiln-shaders",
    enforce: "pre",
    async load(id) {
      return isShaderName(basename(id)) ? shaderModule(id) : undefined;
    },
  };
}
