/**
 * Checks what all other readers of the module rely on: each instruction has a translation and operands of the right
 * kinds; each id is defined once, and before it is used, so types and constants have no cycles.
 */

import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction, nameOpcode, operandsOf } from "./instructions.js";
import type { Instruction, SpirvModule } from "./module.js";
import { Op } from "./words.js";

/** Instructions that may use an id before its definition. */
const forward: ReadonlySet<number> = new Set<number>([
  ...[Op.Name, Op.MemberName, Op.EntryPoint, Op.ExecutionMode, Op.ExecutionModeId, Op.Decorate, Op.MemberDecorate],
  ...[Op.DecorateId, Op.DecorateString, Op.MemberDecorateString],
  ...[Op.FunctionCall, Op.Phi, Op.LoopMerge, Op.SelectionMerge, Op.Branch, Op.BranchConditional, Op.Switch],
]);

export function invalidSpirv(instruction: Instruction, problem: string): InstructionRefusal {
  return new InstructionRefusal(
    "invalid-kernel",
    instruction,
    `is given invalid SPIR-V: ${nameInstruction(instruction)} ${problem}; \`spirv-val\` explains it.`,
  );
}

/**
 * @throws {ComputeError} `invalid-kernel` for invalid SPIR-V, `unsupported-shader` for instructions without a
 *   translation; both name the instruction and its offset.
 */
export function checkOperands({ instructions, bound }: SpirvModule): void {
  const defined = new Set<number>();
  const types = new Set<number>();
  const later = new Set<number>();
  for (const instruction of instructions) {
    const shape = operandsOf(instruction.opcode);
    if (shape === undefined) throw untranslated(instruction);
    const { result, type, ids } = readOperands(instruction, shape);
    if (type !== undefined && !types.has(type)) {
      throw invalidSpirv(instruction, `has a result of type ${type}, which nothing before it defines`);
    }
    for (const id of ids) {
      if (defined.has(id)) continue;
      if (!forward.has(instruction.opcode) || id === 0 || id >= bound) {
        throw invalidSpirv(instruction, `uses the id ${id}, which nothing before it defines`);
      }
      later.add(id);
    }
    if (result === undefined) continue;
    if (result === 0 || result >= bound) {
      throw invalidSpirv(instruction, `defines the id ${result}; ids are 1 to ${bound - 1}`);
    }
    if (defined.has(result)) throw invalidSpirv(instruction, `defines the id ${result} a second time`);
    defined.add(result);
    if (instruction.opcode >= Op.TypeVoid && instruction.opcode <= Op.TypeFunction) types.add(result);
  }
  const isMissing = (id: number) => later.has(id) && !defined.has(id);
  for (const instruction of instructions) {
    // Compilers leave names and decorations of removed ids behind; they have no effect.
    if (instruction.opcode < Op.FunctionCall || !forward.has(instruction.opcode)) continue;
    if (instruction.opcode === Op.Decorate || instruction.opcode === Op.MemberDecorate) continue;
    const missing = readOperands(instruction, operandsOf(instruction.opcode)!).ids.find(isMissing);
    if (missing !== undefined) {
      throw invalidSpirv(instruction, `uses the id ${missing}, which nothing defines`);
    }
  }
}

/** The ids that an instruction uses, including that of its type; none for an instruction without a translation. */
export function idsOf({ opcode, operands }: Instruction): number[] {
  const shape = operandsOf(opcode) ?? "";
  const ids: number[] = [];
  for (let i = 0; i < operands.length; i += 1) {
    const letter = letterAt(shape, i);
    // Only OpEntryPoint has ids after a string, and no caller passes one.
    if (letter === "i" || letter === "T") ids.push(operands[i]!);
  }
  return ids;
}

/** The instruction with other ids for the values and pointers that it uses. */
export function withIds(instruction: Instruction, map: (id: number) => number): Instruction {
  const shape = operandsOf(instruction.opcode) ?? "";
  const operands = instruction.operands.map((operand, i) => (letterAt(shape, i) === "i" ? map(operand) : operand));
  return { ...instruction, operands };
}

/** The id that an instruction defines. */
export function resultOf({ opcode, operands }: Instruction): number | undefined {
  const shape = operandsOf(opcode) ?? "";
  if (shape.startsWith("TR")) return operands[1];
  return shape.startsWith("R") ? operands[0] : undefined;
}

function letterAt(shape: string, i: number): string | undefined {
  const fixed = shape.endsWith("*") ? shape.length - 2 : shape.length;
  return i < fixed ? shape[i] : shape.endsWith("*") ? shape[fixed] : undefined;
}

function readOperands(instruction: Instruction, shape: string) {
  const { operands } = instruction;
  const ids: number[] = [];
  let result: number | undefined;
  let type: number | undefined;
  const fixed = shape.endsWith("*") ? shape.length - 2 : shape.length;
  let at = 0;
  for (let i = 0; i < fixed; i += 1) {
    if (at >= operands.length) {
      throw invalidSpirv(instruction, `has ${operands.length} operands; at least ${fixed} are needed`);
    }
    if (shape[i] === "s") {
      while (at < operands.length && !hasZeroByte(operands[at]!)) at += 1;
      if (at >= operands.length) throw invalidSpirv(instruction, "has a string that does not end");
    } else if (shape[i] === "R") result = operands[at];
    else if (shape[i] === "T") type = operands[at];
    else if (shape[i] === "i") ids.push(operands[at]!);
    at += 1;
  }
  if (fixed === shape.length && at < operands.length) {
    throw invalidSpirv(instruction, `has ${operands.length} operands; ${at} are expected`);
  }
  if (shape.endsWith("i*")) ids.push(...operands.subarray(at));
  return { result, type, ids };
}

function hasZeroByte(word: number): boolean {
  return (word & 0xff) === 0 || (word & 0xff00) === 0 || (word & 0xff_0000) === 0 || word >>> 24 === 0;
}

function untranslated(instruction: Instruction): InstructionRefusal {
  const hint =
    instruction.opcode === Op.DecorationGroup
      ? "decoration groups are deprecated; `spirv-opt --flatten-decorations` removes them"
      : "write it another way, or leave it out of the kernel";
  return new InstructionRefusal(
    "unsupported-shader",
    instruction,
    `needs ${nameInstruction(instruction)}, and ${nameOpcode(instruction.opcode)} has no translation to WGSL; ${hint}.`,
  );
}
