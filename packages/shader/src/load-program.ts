import type { Program } from "@kiln-gpu/core";
import { loadSpirv } from "./load-spirv.js";
import type { LoadedProgram } from "./loaded-program.js";
import { reflectProgram } from "./reflect-program.js";
import { scanModule } from "./scan-module.js";

/**
 * Reads a program: translates it where it is SPIR-V, and reflects its interface.
 * @param subject Begins the sentence of an error: `Kernel "saxpy"`.
 * @throws {ComputeError} `invalid-kernel`, `unsupported-shader`, or `shader-compilation` where the text does not parse. Text that
 *   parses may yet be invalid; that the device says.
 */
export async function loadProgram(program: Program, subject: string): Promise<LoadedProgram> {
  const named = program.file === undefined ? {} : { file: program.file };
  if (program.spirv !== undefined) {
    return { ...(await loadSpirv(program.spirv, program, subject)), ...named, translatedFrom: "SPIR-V" };
  }
  const reflected = reflectProgram(scanModule(program.wgsl, subject), program, subject);
  return { wgsl: program.wgsl, ...named, ...reflected };
}
