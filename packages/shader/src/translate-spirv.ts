/**
 * SPIR-V to WGSL by naga, the translator of wgpu, as WebAssembly: 2 MB that load when the first SPIR-V arrives. Nothing else in
 * Kiln knows of it.
 */
import { ComputeError } from "@kiln-gpu/core";
import type { SpirvModule } from "./spirv-module.js";
import { Decoration, Op } from "./spirv-words.js";

/** @throws {ComputeError} `unsupported-shader` with naga's report, for all that it refuses. */
export async function translateSpirv(module: SpirvModule, subject: string): Promise<string> {
  const naga = await import("naga-wasm");
  // In Node it loads on import, and this does nothing.
  await naga.init();
  try {
    return naga.translate({ from: "spirv", to: "wgsl", source: withoutNonReadable(module) });
  } catch (cause) {
    // What naga did not foresee stops its WebAssembly, without a report; the next translation is not affected.
    const report = cause instanceof naga.NagaError ? cause.formatted.trim() : `naga stops at it (${String(cause)}).`;
    throw new ComputeError("unsupported-shader", `${subject} does not translate from SPIR-V to WGSL: ${report}`, {
      cause,
    });
  }
}

/** WGSL has no write-only storage buffers, and naga refuses to drop what is only a promise. */
function withoutNonReadable({ words, instructions }: SpirvModule): Uint32Array {
  const kept = instructions.filter(({ opcode, operands }) => {
    if (opcode === Op.Decorate) return operands[1] !== Decoration.NonReadable;
    return !(opcode === Op.MemberDecorate && operands[2] === Decoration.NonReadable);
  });
  const result = new Uint32Array(5 + kept.reduce((sum, { operands }) => sum + 1 + operands.length, 0));
  result.set(words.subarray(0, 5));
  let to = 5;
  for (const { at, operands } of kept) {
    result.set(words.subarray(at, at + 1 + operands.length), to);
    to += 1 + operands.length;
  }
  return result;
}
