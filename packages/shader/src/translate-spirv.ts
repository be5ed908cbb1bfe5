/**
 * SPIR-V to WGSL by naga, the translator of wgpu, as WebAssembly: 2 MB that load when the first SPIR-V arrives.
 */
import { ComputeError } from "@kiln-gpu/core";
import { idsOf, resultOf } from "./check-spirv-operands.js";
import { NagaReport, translateByNaga } from "./naga-instance.js";
import { nameInstruction, opcodeOf } from "./spirv-instructions.js";
import { decorates, encodeSpirv, type Instruction, type SpirvModule, textOf } from "./spirv-module.js";
import { InstructionError } from "./spirv-source.js";
import { Decoration, MemoryModel, memoryModelCapabilities, Op } from "./spirv-words.js";

/** No instruction of SPIR-V, at which naga stops with a report of its own. */
const noInstruction: Instruction = { opcode: 0xffff, operands: new Uint32Array(0), at: 0 };
/** For so long it is searched which instruction of a module it is that naga refuses: each look may read all of it again. */
const searchMs = 1000;

/** @throws {ComputeError} `unsupported-shader` with naga's report, for all that it refuses. */
export async function translateSpirv(module: SpirvModule, subject: string): Promise<string> {
  try {
    return await translateByNaga(asNagaTakes(module));
  } catch (cause) {
    if (cause instanceof ComputeError) throw cause;
    const report = cause instanceof NagaReport ? inOneLine(cause.message) : `naga stops at it (${String(cause)}).`;
    const refused = `${subject} does not translate from SPIR-V to WGSL`;
    const unsupported = unsupportedIn(report, module);
    if (unsupported) {
      throw new InstructionError(
        "unsupported-shader",
        unsupported,
        `${refused}, which has nothing for ${nameInstruction(unsupported)}; write it in other terms (docs/spirv.md has some): ${report}`,
        { cause },
      );
    }
    const instruction = cause instanceof NagaReport ? await findRefused(cause, module) : undefined;
    const said = `${report.replace(/\.$/u, "")}; \`spirv-val\` says whether the module is valid.`;
    if (!instruction) throw new ComputeError("unsupported-shader", `${refused}: ${said}`, { cause });
    throw new InstructionError(
      "unsupported-shader",
      instruction,
      `${refused} because of ${nameInstruction(instruction)}: ${said}`,
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
function unsupportedIn(report: string, { instructions }: SpirvModule): Instruction | undefined {
  const [, name] = /UnsupportedInstruction\(\w+, (\w+)\)/u.exec(report) ?? [];
  const opcode = name === undefined ? undefined : opcodeOf(name);
  return instructions.find((instruction) => instruction.opcode === opcode);
}

/** The instruction that a report is about. */
async function findRefused({ message }: NagaReport, module: SpirvModule): Promise<Instruction | undefined> {
  const { instructions } = module;
  // What is wrong with a module's parts naga says once it has read all of it, by their names.
  if (message.includes(" is invalid")) return partIn(message, module);
  const endMs = performance.now() + searchMs;
  const refuses = async (count: number) => {
    try {
      await translateByNaga(asNagaTakes(module, count, [noInstruction]));
    } catch (error) {
      return error instanceof NagaReport && error.message === message;
    }
    return false;
  };
  let [taken, refused] = [0, instructions.length];
  if (!(await refuses(refused))) {
    // It has read all of it, and looks up what it needs.
    const id = Number(/InvalidId\((\d+)\)/u.exec(message)?.[1]);
    return instructions.find((instruction) => resultOf(instruction) === id || idsOf(instruction).includes(id));
  }
  while (refused - taken > 1) {
    if (performance.now() > endMs) return undefined;
    const middle = (taken + refused) >> 1;
    if (await refuses(middle)) refused = middle;
    else taken = middle;
  }
  const found = instructions[refused - 1]!;
  if (found.opcode !== Op.FunctionEnd) return found;
  return instructions.slice(0, refused).findLast(({ opcode }) => opcode === Op.Function);
}

/** The function, variable, type or entry point that a report calls invalid, where it is told which of them that is. */
function partIn(report: string, { instructions, names }: SpirvModule): Instruction | undefined {
  if (report.startsWith("error: Entry point")) return instructions.find(({ opcode }) => opcode === Op.EntryPoint);
  const [, kind, index, name] =
    /^error: (Function|Global variable|Type) \[(\d+)\] '(.*)' is invalid/u.exec(report) ?? [];
  if (kind === undefined) return undefined;
  if (kind === "Global variable") {
    const firstFunction = instructions.findIndex(({ opcode }) => opcode === Op.Function);
    return instructions.slice(0, firstFunction).filter(({ opcode }) => opcode === Op.Variable)[Number(index)];
  }
  const isOne = ({ opcode }: Instruction) =>
    kind === "Function" ? opcode === Op.Function : opcode >= Op.TypeVoid && opcode <= Op.TypeFunction;
  const idOf = ({ opcode, operands }: Instruction) => operands[opcode === Op.Function ? 1 : 0]!;
  const all = instructions.filter(isOne);
  const called = name === "" ? all : all.filter((one) => names.get(`${idOf(one)}`) === name);
  return called.length === 1 ? called[0] : undefined;
}

/** The bytes of a module, of which naga is given the first `count` instructions, and then `end`. */
function asNagaTakes(module: SpirvModule, count = module.instructions.length, end: readonly Instruction[] = []) {
  const instructions = [...module.instructions.slice(0, count).flatMap(inNagasTerms), ...end];
  return new Uint8Array(encodeSpirv({ ...module, instructions }).buffer);
}

/** Without what naga refuses to drop: promises that WGSL has no word for, and the Vulkan memory model where it asks for no more. */
function inNagasTerms(instruction: Instruction): Instruction[] {
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
