/** Lets Vite import shaders, for pages and for Node. */
import { basename } from "node:path";
import { isShaderName } from "./read-shader.js";
import { shaderModule } from "./shader-module.js";

/** The part of Vite's plugin type that this plugin has. */
export interface ShaderPlugin {
  readonly name: string;
  readonly enforce: "pre";
  load(id: string): Promise<string | undefined>;
}

/**
 * A plugin that turns imported `.wgsl` and `.spv` files into modules of kernels. It leaves imports with a query, such
 * as `?raw` and `?url`, to Vite.
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
