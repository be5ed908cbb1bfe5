import type { Program } from "@kiln-gpu/core";
import { named } from "../refusal.js";
import { reflectProgram } from "../wgsl/reflect-program.js";
import { scanModule } from "../wgsl/scan-module.js";
import type { LoadedProgram } from "./loaded-program.js";
import { loadStored, type StoredPrograms } from "./stored-program.js";
import type { TranslatorOptions } from "./translator-wasm.js";

export interface LoadOptions extends TranslatorOptions {
  /** Stores programs; one that it already has is not read again. */
  readonly stored?: StoredPrograms;
}

/**
 * Reads a program: translates SPIR-V to WGSL, and reflects the interface.
 * @param subject Begins the sentence of an error: `Kernel "saxpy"`.
 * @throws {ComputeError} `invalid-kernel`, `unsupported-shader`, or `shader-compilation` if the text does not parse.
 *   Text that parses may still be invalid; the device reports that. `translator-unavailable` if SPIR-V cannot be
 *   translated here.
 */
export async function loadProgram(
  program: Program,
  subject: string,
  { stored, ...options }: LoadOptions = {},
): Promise<LoadedProgram> {
  const read = () => readProgram(program, options);
  const loaded = await named(subject, () => (stored ? loadStored(program, stored, read) : read()));
  return {
    ...loaded,
    ...(program.file !== undefined && { file: program.file }),
    ...(program.spirv !== undefined && { translatedFrom: "SPIR-V" }),
  };
}

async function readProgram(program: Program, options: TranslatorOptions): Promise<LoadedProgram> {
  if (program.spirv !== undefined) {
    // Imported here and not above, so that a page without SPIR-V never loads it.
    const { loadSpirv } = await import("./load-spirv.js");
    return loadSpirv(program.spirv, program, options);
  }
  return { wgsl: program.wgsl, ...reflectProgram(scanModule(program.wgsl), program) };
}
