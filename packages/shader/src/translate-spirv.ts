/**
 * SPIR-V to WGSL by naga, the translator of wgpu, as WebAssembly: 2 MB that load when the first SPIR-V arrives.
 */
import { ComputeError } from "@kiln-gpu/core";
import { NagaReport, translateByNaga } from "./naga-instance.js";
import { nameInstruction, opcodeOf } from "./spirv-instructions.js";
import { decorates, encodeSpirv, type Instruction, type SpirvModule, textOf } from "./spirv-module.js";
import { InstructionError } from "./spirv-source.js";
import { Decoration, MemoryModel, memoryModelCapabilities, Op } from "./spirv-words.js";

/** @throws {ComputeError} `unsupported-shader` with naga's report, for all that it refuses. */
export async function translateSpirv(module: SpirvModule, subject: string): Promise<string> {
  const words = encodeSpirv({ ...module, instructions: module.instructions.flatMap(asNagaTakes) });
  try {
    return await translateByNaga(new Uint8Array(words.buffer));
  } catch (cause) {
    if (cause instanceof ComputeError) throw cause;
    const report = cause instanceof NagaReport ? inOneLine(cause.message) : `naga stops at it (${String(cause)}).`;
    const instruction = instructionIn(report, module);
    const refused = `${subject} does not translate from SPIR-V to WGSL`;
    if (!instruction) {
      throw new ComputeError(
        "unsupported-shader",
        `${refused}: ${report.replace(/\.$/u, "")}; \`spirv-val\` says whether the module is valid.`,
        {
          cause,
        },
      );
    }
    throw new InstructionError(
      "unsupported-shader",
      instruction,
      `${refused}, which has nothing for ${nameInstruction(instruction)}; write it in other terms (docs/spirv.md has some): ${report}`,
      { cause },
    );
  }
}

/** The first line of a report, and the reasons under its drawing of the source, of which there is none. */
function inOneLine(report: string): string {
  const [first, ...rest] = report.trim().split("\n");
  const reasons = rest.filter((line) => line.startsWith("  = ")).map((line) => line.slice(4));
  return [first!.replace(/^error: /u, ""), ...reasons].join(". ");
}

/** naga names the operation that it refuses; where the first one stands is for us to say. */
function instructionIn(report: string, { instructions }: SpirvModule): Instruction | undefined {
  const [, name] = /UnsupportedInstruction\(\w+, (\w+)\)/u.exec(report) ?? [];
  const opcode = name === undefined ? undefined : opcodeOf(name);
  return instructions.find((instruction) => instruction.opcode === opcode);
}

/** Without what naga refuses to drop: promises that WGSL has no word for, and the Vulkan memory model where it asks for no more. */
function asNagaTakes(instruction: Instruction): Instruction[] {
  const { opcode, operands } = instruction;
  if (decorates(instruction, Decoration.NonReadable)) return [];
  if (opcode === Op.Capability && memoryModelCapabilities.includes(operands[0]!)) return [];
  if (opcode === Op.Extension && textOf(operands, 0) === "SPV_KHR_vulkan_memory_model") return [];
  if (opcode === Op.MemoryModel)
    return [{ ...instruction, operands: Uint32Array.of(operands[0]!, MemoryModel.GLSL450) }];
  // How an access is aligned, and that it is to nobody else's memory, is said for speed alone.
  if (opcode === Op.Load) return [{ ...instruction, operands: operands.subarray(0, 3) }];
  if (opcode === Op.Store || opcode === Op.CopyMemory) return [{ ...instruction, operands: operands.subarray(0, 2) }];
  return [instruction];
}
