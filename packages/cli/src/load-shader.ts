/** Hooks of Node's module loader. They run in their own thread, so the errors that they throw are copied. */
import type { LoadHook } from "node:module";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { isShaderName } from "./read-shader.js";
import { shaderModule } from "./shader-module.js";

export const load: LoadHook = async (url, context, nextLoad) => {
  const { protocol, pathname } = new URL(url);
  if (protocol !== "file:" || !isShaderName(basename(pathname))) return nextLoad(url, context);
  const source = await shaderModule(fileURLToPath(new URL(pathname, url)));
  return { format: "module", source, shortCircuit: true };
};
