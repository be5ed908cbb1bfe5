/** Translates SPIR-V to WGSL by naga, the translator of wgpu, and finds the instruction that naga refuses. */

import { ComputeError } from "@kiln-gpu/core";
import { Refusal } from "../refusal.js";
import { idsOf, resultOf } from "./check-operands.js";
import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction } from "./instructions.js";
import { decorates, encodeSpirv, type Instruction, type SpirvModule, textOf } from "./module.js";
import { NagaReport, type Translator } from "./naga-instance.js";
import { Decoration, droppedCapabilities, ExecutionMode, MemoryModel, Op } from "./words.js";

/** Not an instruction of SPIR-V: naga refuses it with a report of its own. */
const noInstruction: Instruction = { opcode: 0xffff, operands: new Uint32Array(0), at: 0 };
/** Time limit for finding the instruction that naga refuses; each probe may parse the whole module again. */
const searchMs = 1000;

/**
 * @param original The module before it was rewritten for naga, whose instructions errors name.
 * @throws {ComputeError} `unsupported-shader`, with naga's report, for modules that naga refuses.
 */
export async function translateSpirv(
  module: SpirvModule,
  original: SpirvModule,
  translator: Translator,
): Promise<string> {
  try {
    return await translator.translate(asNagaTakes(module.instructions, module));
  } catch (cause) {
    if (cause instanceof ComputeError) throw cause;
    const report = cause instanceof NagaReport ? inOneLine(cause.message) : `naga stops at it (${String(cause)})`;
    const refused = `does not translate from SPIR-V to WGSL`;
    // Valid modules get such reports, too.
    const isUnsupported = report.startsWith("Unsupported");
    const hint = isUnsupported ? "." : "; if `spirv-val` finds the module valid, naga cannot translate it.";
    const said = report.replace(/\.$/u, "") + hint;
    const refusedOne = await findRefused(cause, module, translator);
    const instruction = original.instructions.find(({ at }) => at === refusedOne?.at) ?? refusedOne;
    if (!instruction) throw new Refusal("unsupported-shader", `${refused}: ${said}`, { cause });
    const name = nameInstruction(instruction);
    const message = report.includes("UnsupportedInstruction")
      ? `${refused}, which has nothing for ${name}; docs/spirv.md has replacements for some: ${report}`
      : `${refused} because of ${name}: ${said}`;
    throw new InstructionRefusal("unsupported-shader", instruction, message, { cause });
  }
}

/** The first line of a report and its reasons. Between them naga draws the source, which SPIR-V does not have. */
function inOneLine(report: string): string {
  const [first, ...rest] = report.trim().split("\n");
  const reasons = rest.filter((line) => line.startsWith("  = ")).map((line) => line.slice(4));
  return [first!.replace(/^error: /u, ""), ...reasons].join(". ");
}

/**
 * Finds the instruction that naga refuses or panics at: translates ever shorter beginnings of the module while the same
 * happens.
 */
async function findRefused(
  cause: unknown,
  module: SpirvModule,
  translator: Translator,
): Promise<Instruction | undefined> {
  const { instructions } = module;
  const report = cause instanceof NagaReport ? cause.message : undefined;
  const fails = async (given: readonly Instruction[]) => {
    try {
      await translator.translate(asNagaTakes(given, module));
      return false;
    } catch (error) {
      return (error instanceof NagaReport ? error.message : undefined) === report;
    }
  };
  // naga reports an instruction when it reads it, and a type or a variable after it has read all of them.
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
  // A report that no beginning reproduces is about a function, unless the time was up.
  return performance.now() > endMs ? undefined : functionOf("", module);
}

/**
 * The last instruction of the shortest failing beginning of a list; `undefined` if the whole list does not fail, or the
 * time is up.
 */
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

/** The only function of that name, or the only function if the name is empty. */
function functionOf(name: string, { instructions, names }: SpirvModule): Instruction | undefined {
  const functions = instructions.filter(({ opcode }) => opcode === Op.Function);
  const called = name === "" ? functions : functions.filter(({ operands }) => names.get(`${operands[1]!}`) === name);
  return called.length === 1 ? called[0] : undefined;
}

/** The bytes of a module with these instructions. */
function asNagaTakes(instructions: readonly Instruction[], module: SpirvModule): Uint8Array {
  return new Uint8Array(encodeSpirv({ ...module, instructions: instructions.flatMap(inNagasTerms) }).buffer);
}

/**
 * Drops what naga refuses though WGSL loses nothing: hints without a counterpart in WGSL, and the name of the Vulkan
 * memory model.
 */
function inNagasTerms(instruction: Instruction): Instruction[] {
  const { opcode, operands } = instruction;
  if (decorates(instruction, Decoration.NonReadable)) return [];
  if (opcode === Op.Capability && droppedCapabilities.includes(operands[0]!)) return [];
  if (opcode === Op.Extension && textOf(operands, 0) === "SPV_KHR_vulkan_memory_model") return [];
  // naga refuses the built-in ids of subgroups in workgroups of several dimensions. `mendTranslation` writes the real
  // size.
  if (opcode === Op.ExecutionMode && operands[1] === ExecutionMode.LocalSize) {
    return [{ ...instruction, operands: Uint32Array.of(operands[0]!, ExecutionMode.LocalSize, 1, 1, 1) }];
  }
  if (opcode === Op.MemoryModel)
    return [{ ...instruction, operands: Uint32Array.of(operands[0]!, MemoryModel.GLSL450) }];
  // Alignment and privacy of an access are hints for speed.
  if (opcode === Op.Load) return [{ ...instruction, operands: operands.subarray(0, 3) }];
  if (opcode === Op.Store || opcode === Op.CopyMemory) return [{ ...instruction, operands: operands.subarray(0, 2) }];
  return [instruction];
}
