/** Reduces a module to what one entry point needs. The rest, of whatever stage, is neither checked nor translated. */
import { Refusal } from "../refusal.js";
import { idsOf, resultOf } from "./check-operands.js";
import { nameInstruction } from "./instructions.js";
import { type EntryPoint, type Instruction, indexSpirv, type SpirvModule, textOf } from "./module.js";
import { Op } from "./words.js";

/** Debug information, without effect on the results. */
const debugging: ReadonlySet<number> = new Set<number>([
  ...[Op.Nop, Op.SourceContinued, Op.Source, Op.SourceExtension, Op.String, Op.Line, Op.NoLine, Op.ModuleProcessed],
  ...[Op.DecorateId, Op.DecorateString, Op.MemberDecorateString],
]);

/**
 * Keeps the functions that `entry` reaches, and no other entry point.
 * @throws {ComputeError} `invalid-kernel` if functions are incomplete or missing.
 */
export function pruneFunctions(module: SpirvModule, entry: EntryPoint): SpirvModule {
  const fail = (problem: string) => new Refusal("invalid-kernel", `is given truncated SPIR-V: ${problem}.`);
  const functions = new Map<number, Instruction[]>();
  const kept: Instruction[] = [];
  let open: Instruction[] | undefined;
  for (const instruction of module.instructions) {
    const { opcode, operands } = instruction;
    if (debugging.has(opcode)) continue;
    if (opcode === Op.Function) functions.set(operands[1] ?? 0, (open = []));
    if (open) open.push(instruction);
    else if (isOfEntryPoint(instruction, entry)) kept.push(instruction);
    if (opcode === Op.FunctionEnd) open = undefined;
  }
  if (open) throw fail(`it ends inside a function, ${nameInstruction(open[0]!)}`);
  if (!functions.has(entry.id)) {
    throw fail(`its entry point "${entry.name}", ${nameInstruction(entry.instruction)}, has no function`);
  }
  const reached = new Set([entry.id]);
  for (const id of reached) {
    for (const { opcode, operands } of functions.get(id) ?? []) {
      if (opcode === Op.FunctionCall && operands.length > 2) reached.add(operands[2]!);
    }
  }
  for (const [id, body] of functions) if (reached.has(id)) for (const instruction of body) kept.push(instruction);
  return indexSpirv({ ...module, instructions: withoutNonSemantic(kept) });
}

/** Keeps the types, constants and variables that the functions use, with their names and decorations. */
export function pruneGlobals(module: SpirvModule): SpirvModule {
  const { instructions, definitions } = module;
  const used = new Set<number>();
  let isInFunction = false;
  for (const instruction of instructions) {
    if (instruction.opcode === Op.Function) isInFunction = true;
    if (isInFunction) for (const id of [...idsOf(instruction), resultOf(instruction) ?? 0]) used.add(id);
  }
  for (const id of used) {
    const definition = definitions.get(id);
    if (definition) for (const other of idsOf(definition)) used.add(other);
  }
  const kept = instructions.flatMap((instruction) => {
    const { opcode, operands } = instruction;
    if (opcode === Op.EntryPoint) return [withInterface(instruction, (id) => used.has(id))];
    const target = isAbout(opcode)
      ? operands[0]!
      : definitions.get(resultOf(instruction) ?? 0) && resultOf(instruction);
    return target === undefined || used.has(target) ? [instruction] : [];
  });
  return indexSpirv({ ...module, instructions: kept });
}

function isAbout(opcode: number): boolean {
  return opcode === Op.Name || opcode === Op.MemberName || opcode === Op.Decorate || opcode === Op.MemberDecorate;
}

function isOfEntryPoint({ opcode, operands }: Instruction, entry: EntryPoint): boolean {
  if (opcode === Op.EntryPoint) {
    return operands[0] === entry.model && operands[1] === entry.id && textOf(operands, 2) === entry.name;
  }
  if (opcode === Op.ExecutionMode || opcode === Op.ExecutionModeId) return operands[0] === entry.id;
  return true;
}

function withInterface(instruction: Instruction, isKept: (id: number) => boolean): Instruction {
  const { operands } = instruction;
  const end = 2 + Math.floor(new TextEncoder().encode(textOf(operands, 2)).length / 4) + 1;
  const ids = operands.subarray(end).filter(isKept);
  return { ...instruction, operands: Uint32Array.of(...operands.subarray(0, end), ...ids) };
}

/** Removes the calls of instruction sets that have no effect on results; debuggers read them. */
function withoutNonSemantic(instructions: readonly Instruction[]): Instruction[] {
  const sets = new Set(
    instructions
      .filter(({ opcode, operands }) => opcode === Op.ExtInstImport && textOf(operands, 1).startsWith("NonSemantic."))
      .map(({ operands }) => operands[0]),
  );
  const extension = "SPV_KHR_non_semantic_info";
  return instructions.filter(({ opcode, operands }) => {
    if (opcode === Op.ExtInst) return !sets.has(operands[2]);
    if (opcode === Op.ExtInstImport) return !sets.has(operands[0]);
    return (
      opcode !== Op.Extension || !(textOf(operands, 0) === extension || textOf(operands, 0).startsWith("SPV_GOOGLE_"))
    );
  });
}
