/** Checks that the blocks of functions are whole, that no function calls itself, and that no switch falls through. */
import { invalidSpirv } from "./check-operands.js";
import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction } from "./instructions.js";
import type { Instruction, SpirvModule } from "./module.js";
import { Op } from "./words.js";

interface Block {
  readonly label: number;
  readonly merge: Instruction | undefined;
  readonly end: Instruction;
  readonly targets: readonly number[];
}

/** @throws {ComputeError} `invalid-kernel` for broken blocks; `unsupported-shader` for recursion and fall-through. */
export function checkControlFlow({ instructions }: SpirvModule): void {
  const calls = new Map<number, Instruction[]>();
  let start = -1;
  for (const [i, { opcode, operands }] of instructions.entries()) {
    if (opcode === Op.Function) start = i;
    if (opcode !== Op.FunctionEnd || start < 0) continue;
    const body = instructions.slice(start, i);
    calls.set(
      body[0]!.operands[1]!,
      body.filter((instruction) => instruction.opcode === Op.FunctionCall),
    );
    checkBlocks(readBlocks(body));
    start = -1;
    if (operands.length > 0) throw invalidSpirv(instructions[i]!, "has operands");
  }
  checkCalls(calls);
}

function readBlocks(body: readonly Instruction[]): Block[] {
  const blocks: Block[] = [];
  let label: number | undefined;
  let merge: Instruction | undefined;
  for (const instruction of body) {
    const { opcode, operands } = instruction;
    if (opcode === Op.Label) {
      if (label !== undefined) throw invalidSpirv(instruction, "begins a block inside another block");
      label = operands[0]!;
    } else if (label === undefined) {
      if (opcode === Op.Function ? instruction === body[0] : opcode === Op.FunctionParameter && blocks.length === 0)
        continue;
      throw invalidSpirv(instruction, "is outside any block");
    } else if (opcode === Op.LoopMerge || opcode === Op.SelectionMerge) merge = instruction;
    else if (opcode >= Op.Branch && opcode <= Op.Unreachable) {
      blocks.push({ label, merge, end: instruction, targets: targetsOf(instruction) });
      label = undefined;
      merge = undefined;
    }
  }
  if (label !== undefined || blocks.length === 0) {
    throw invalidSpirv(body[0]!, "has no block, or a block without an end");
  }
  return blocks;
}

function targetsOf(end: Instruction): number[] {
  const { opcode, operands } = end;
  if (opcode === Op.Branch) return [operands[0]!];
  if (opcode === Op.BranchConditional) return [operands[1]!, operands[2]!];
  if (opcode !== Op.Switch) return [];
  if (operands.length % 2 !== 0) throw invalidSpirv(end, "has a case without a label");
  return [...new Set(operands.filter((_, i) => i % 2 === 1))];
}

function checkBlocks(blocks: readonly Block[]): void {
  const labels = new Map(blocks.map((block) => [block.label, block]));
  const entry = blocks[0]!.label;
  const sources = new Map<number, number>();
  const exits = new Set<number>();
  for (const { merge, end, targets } of blocks) {
    const merged = merge ? [...merge.operands.subarray(0, merge.opcode === Op.LoopMerge ? 2 : 1)] : [];
    for (const label of merged) exits.add(label);
    for (const label of targets) sources.set(label, (sources.get(label) ?? 0) + 1);
    const wrong = [...merged, ...targets].find((label) => !labels.has(label) || label === entry);
    if (wrong !== undefined) throw invalidSpirv(end, `leads to ${wrong}, which is not a block that it can enter`);
  }
  for (const { end, targets } of blocks) {
    if (end.opcode !== Op.Switch) continue;
    for (const label of targets) {
      if (exits.has(label)) continue;
      // The back edge of a loop enters it a second time.
      const expected = labels.get(label)!.merge?.opcode === Op.LoopMerge ? 2 : 1;
      if (sources.get(label)! <= expected) continue;
      throw new InstructionRefusal(
        "unsupported-shader",
        end,
        `has a switch with a case that falls through into the next one (${nameInstruction(end)}, the block ${label}); WGSL ` +
          "has no fall-through: end each case with a break, and share code by a function.",
      );
    }
  }
}

/** Iterative, since a chain of calls may be as long as the module. */
function checkCalls(calls: ReadonlyMap<number, readonly Instruction[]>): void {
  const done = new Set<number>();
  for (const start of calls.keys()) {
    const path: { readonly id: number; next: number }[] = [{ id: start, next: 0 }];
    const open = new Set([start]);
    while (path.length > 0) {
      const top = path.at(-1)!;
      const call = done.has(top.id) ? undefined : calls.get(top.id)?.[top.next];
      top.next += 1;
      if (!call) {
        done.add(top.id);
        open.delete(top.id);
        path.pop();
        continue;
      }
      const callee = call.operands[2]!;
      if (open.has(callee)) {
        throw new InstructionRefusal(
          "unsupported-shader",
          call,
          `has a function that calls itself (${nameInstruction(call)}), and shaders have no recursion; write it as a loop.`,
        );
      }
      open.add(callee);
      path.push({ id: callee, next: 0 });
    }
  }
}
