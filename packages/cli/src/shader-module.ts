import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { isComputeError } from "@kiln-gpu/core";
import { showDiagnostics } from "@kiln-gpu/core/backend";
import { fileNameOf, importNameOf } from "./file-name.js";
import { generateModule } from "./generate-module.js";

/**
 * Generates the module of the shader at `path` in JavaScript, for loaders.
 * @throws {Error} with the place in the file as part of its message, because loaders show only the message.
 */
export async function shaderModule(path: string): Promise<string> {
  const bytes = await readFile(path);
  try {
    return await generateModule(
      { name: basename(path), bytes, file: await fileNameOf(path), importName: await importNameOf(path) },
      { language: "javascript" },
    );
  } catch (cause) {
    if (!isComputeError(cause)) throw cause;
    const isText = path.endsWith(".wgsl") && cause.diagnostics.length > 0;
    const shown = isText ? showDiagnostics(path, cause.diagnostics) : `  ${cause.message}`;
    throw new Error(`The shader ${path} cannot be imported:\n${shown}`);
  }
}
