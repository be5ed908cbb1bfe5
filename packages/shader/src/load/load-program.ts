import type { Program } from "@kiln-gpu/core";
import { named } from "../refusal.js";
import { reflectProgram } from "../wgsl/reflect-program.js";
import { scanModule } from "../wgsl/scan-module.js";
import { type KeptPrograms, loadKept } from "./kept-program.js";
import { loadSpirv } from "./load-spirv.js";
import type { LoadedProgram } from "./loaded-program.js";

/**
 * Reads a program: translates SPIR-V to WGSL, and reflects the interface.
 * @param subject Begins the sentence of an error: `Kernel "saxpy"`.
 * @param kept Stores programs; one that it already has is not read again.
 * @throws {ComputeError} `invalid-kernel`, `unsupported-shader`, or `shader-compilation` if the text does not parse.
 *   Text that parses may still be invalid; the device reports that.
 */
export async function loadProgram(program: Program, subject: string, kept?: KeptPrograms): Promise<LoadedProgram> {
  const read = () => readProgram(program);
  const loaded = await named(subject, () => (kept ? loadKept(program, kept, read) : read()));
  return {
    ...loaded,
    ...(program.file !== undefined && { file: program.file }),
    ...(program.spirv !== undefined && { translatedFrom: "SPIR-V" }),
  };
}

async function readProgram(program: Program): Promise<LoadedProgram> {
  if (program.spirv !== undefined) return loadSpirv(program.spirv, program);
  return { wgsl: program.wgsl, ...reflectProgram(scanModule(program.wgsl), program) };
}
