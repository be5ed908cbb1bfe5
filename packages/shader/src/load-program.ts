import type { Program } from "@kiln-gpu/core";
import { type KeptPrograms, loadKept } from "./kept-program.js";
import { loadSpirv } from "./load-spirv.js";
import type { LoadedProgram } from "./loaded-program.js";
import { reflectProgram } from "./reflect-program.js";
import { scanModule } from "./scan-module.js";

/**
 * Reads a program: translates it where it is SPIR-V, and reflects its interface.
 * @param subject Begins the sentence of an error: `Kernel "saxpy"`.
 * @param kept Where programs that were read before are found, and this one is kept.
 * @throws {ComputeError} `invalid-kernel`, `unsupported-shader`, or `shader-compilation` where the text does not parse. Text that
 *   parses may yet be invalid; that the device says.
 */
export async function loadProgram(program: Program, subject: string, kept?: KeptPrograms): Promise<LoadedProgram> {
  const read = () => readProgram(program, subject);
  const loaded = await (kept ? loadKept(program, kept, read) : read());
  return {
    ...loaded,
    ...(program.file !== undefined && { file: program.file }),
    ...(program.spirv !== undefined && { translatedFrom: "SPIR-V" }),
  };
}

async function readProgram(program: Program, subject: string): Promise<LoadedProgram> {
  if (program.spirv !== undefined) return loadSpirv(program.spirv, program, subject);
  return { wgsl: program.wgsl, ...reflectProgram(scanModule(program.wgsl, subject), program, subject) };
}
