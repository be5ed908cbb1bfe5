import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { ComputeError, isComputeError } from "@kiln-gpu/core";
import { showDiagnostics } from "@kiln-gpu/core/backend";
import { isShaderName, readShader, type Shader } from "./read-shader.js";
import { UsageError } from "./usage-error.js";

/**
 * @throws {UsageError} for a file that is not there or does not have a shader's name; {ComputeError} with the places in
 *   the file if it is no valid shader.
 */
export async function readShaderFile(file: string, folder: string): Promise<Shader> {
  const name = basename(file);
  if (!isShaderName(name)) throw new UsageError(`FILE must end in .wgsl or .spv; got "${file}".`);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(resolve(folder, file));
  } catch (cause) {
    throw new UsageError(`FILE must be a file that can be read: ${(cause as Error).message}.`, { cause });
  }
  try {
    return await readShader({ name, bytes, file });
  } catch (cause) {
    if (!isComputeError(cause)) throw cause;
    const places = name.endsWith(".wgsl") ? cause.diagnostics : [];
    const message =
      places.length > 0 ? showDiagnostics(file, places).replace(/^ {2}/gmu, "") : `${file}: ${cause.message}`;
    throw new ComputeError(cause.code, message, { cause, diagnostics: places });
  }
}
