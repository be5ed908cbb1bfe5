/**
 * SPIR-V to WGSL by naga, the translator of wgpu, as WebAssembly: 2 MB that load when the first SPIR-V arrives.
 */

import { ComputeError } from "@kiln-gpu/core";
import { Refusal } from "../refusal.js";
import { idsOf, resultOf } from "./check-operands.js";
import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction } from "./instructions.js";
import { decorates, encodeSpirv, type Instruction, type SpirvModule, textOf } from "./module.js";
import { isReplaceable, NagaReport, translateByNaga } from "./naga-instance.js";
import { Decoration, MemoryModel, memoryModelCapabilities, Op } from "./words.js";

/** No instruction of SPIR-V, at which naga stops with a report of its own. */
const noInstruction: Instruction = { opcode: 0xffff, operands: new Uint32Array(0), at: 0 };
/** For so long it is searched which instruction of a module it is that naga refuses: each look may read all of it again. */
const searchMs = 1000;

/** @throws {ComputeError} `unsupported-shader` with naga's report, for all that it refuses. */
export async function translateSpirv(module: SpirvModule): Promise<string> {
  try {
    return await translateByNaga(asNagaTakes(module.instructions, module));
  } catch (cause) {
    if (cause instanceof ComputeError) throw cause;
    const report = cause instanceof NagaReport ? inOneLine(cause.message) : `naga stops at it (${String(cause)})`;
    const refused = `does not translate from SPIR-V to WGSL`;
    const said = `${report.replace(/\.$/u, "")}; \`spirv-val\` says whether the module is valid.`;
    const instruction = await findRefused(cause, module);
    if (!instruction) throw new Refusal("unsupported-shader", `${refused}: ${said}`, { cause });
    const name = nameInstruction(instruction);
    const message = report.includes("UnsupportedInstruction")
      ? `${refused}, which has nothing for ${name}; write it in other terms (docs/spirv.md has some): ${report}`
      : `${refused} because of ${name}: ${said}`;
    throw new InstructionRefusal("unsupported-shader", instruction, message, { cause });
  }
}

/** The first line of a report, and the reasons under its drawing of the source, of which there is none. */
function inOneLine(report: string): string {
  const [first, ...rest] = report.trim().split("\n");
  const reasons = rest.filter((line) => line.startsWith("  = ")).map((line) => line.slice(4));
  return [first!.replace(/^error: /u, ""), ...reasons].join(". ");
}

/** The instruction that naga refuses, or stops at, found by giving it the module's beginnings until the same happens. */
async function findRefused(cause: unknown, module: SpirvModule): Promise<Instruction | undefined> {
  const { instructions } = module;
  const report = cause instanceof NagaReport ? cause.message : undefined;
  if (report === undefined && !(await isReplaceable())) return undefined;
  const fails = async (given: readonly Instruction[]) => {
    try {
      await translateByNaga(asNagaTakes(given, module));
      return false;
    } catch (error) {
      return (error instanceof NagaReport ? error.message : undefined) === report;
    }
  };
  // What naga says of an instruction it says when it reads it; of a type or a variable, once it has read them all.
  const firstFunction = instructions.findIndex(({ opcode }) => opcode === Op.Function);
  const declarations = instructions.slice(0, firstFunction).filter(({ opcode }) => !isOfEntryPoint(opcode));
  const endMs = performance.now() + searchMs;
  const found =
    (await lastOfShortest(instructions, (beginning) => fails([...beginning, noInstruction]), endMs)) ??
    (await lastOfShortest(declarations, fails, endMs));
  if (found?.opcode === Op.FunctionEnd) {
    return instructions.slice(0, instructions.indexOf(found)).findLast(({ opcode }) => opcode === Op.Function) ?? found;
  }
  if (found) return found;
  const id = Number(/InvalidId\((\d+)\)/u.exec(report ?? "")?.[1]);
  if (id > 0)
    return instructions.find((instruction) => resultOf(instruction) === id || idsOf(instruction).includes(id));
  if (report?.startsWith("error: Entry point")) return instructions.find(({ opcode }) => opcode === Op.EntryPoint);
  const [, name] = /^error: Function \[\d+\] '(.*)' is invalid/u.exec(report ?? "") ?? [];
  if (name !== undefined) return functionOf(name, module);
  // What no beginning tells is in a function, unless there was no time to look.
  return performance.now() > endMs ? undefined : functionOf("", module);
}

/** The last instruction of the shortest beginning of a list that fails; `undefined` where all of it does not, or time is up. */
async function lastOfShortest(
  list: readonly Instruction[],
  fails: (beginning: readonly Instruction[]) => Promise<boolean>,
  endMs: number,
): Promise<Instruction | undefined> {
  if (performance.now() > endMs || !(await fails(list))) return undefined;
  let [passing, failing] = [0, list.length];
  while (failing - passing > 1) {
    if (performance.now() > endMs) return undefined;
    const middle = (passing + failing) >> 1;
    if (await fails(list.slice(0, middle))) failing = middle;
    else passing = middle;
  }
  return list[failing - 1];
}

function isOfEntryPoint(opcode: number): boolean {
  return opcode === Op.EntryPoint || opcode === Op.ExecutionMode || opcode === Op.ExecutionModeId;
}

/** The only function, or the only one that is called so. */
function functionOf(name: string, { instructions, names }: SpirvModule): Instruction | undefined {
  const functions = instructions.filter(({ opcode }) => opcode === Op.Function);
  const called = name === "" ? functions : functions.filter(({ operands }) => names.get(`${operands[1]!}`) === name);
  return called.length === 1 ? called[0] : undefined;
}

/** The bytes of a module of these instructions. */
function asNagaTakes(instructions: readonly Instruction[], module: SpirvModule): Uint8Array {
  return new Uint8Array(encodeSpirv({ ...module, instructions: instructions.flatMap(inNagasTerms) }).buffer);
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
