/**
 * Moves private variables into the one function that uses them. WGSL's uniformity analysis takes the value of a private
 * variable for non-uniform, so no barrier may depend on it. The analysis follows the values of a function's own
 * variables.
 */
import { idsOf } from "./check-operands.js";
import { type Instruction, type SpirvModule, textOf } from "./module.js";
import { rewriteSpirv } from "./rewriter.js";
import { Op, StorageClass } from "./words.js";

/** Instructions that use a pointer without passing it on. */
const accesses: ReadonlySet<number> = new Set([
  Op.Load,
  Op.Store,
  Op.CopyMemory,
  Op.AccessChain,
  Op.InBoundsAccessChain,
  Op.ExtInst,
]);

export function localizeVariables(module: SpirvModule): SpirvModule {
  const local = localVariables(module);
  if (local.size === 0) return module;
  const pointers = new Set(local.keys());
  let current: number | undefined;
  return rewriteSpirv(module, (instruction, to) => {
    const { opcode, operands, at } = instruction;
    const [pointer = 0, result = 0, base = 0] = operands;
    const inFunction = (from: number) =>
      to.type(Op.TypePointer, StorageClass.Function, to.definition(from)?.operands[2] ?? 0);
    if (opcode === Op.EntryPoint) {
      const end = 2 + Math.floor(new TextEncoder().encode(textOf(operands, 2)).length / 4) + 1;
      const kept = operands.filter((id, i) => i < end || !local.has(id));
      to.keep({ opcode, operands: kept, at });
      return true;
    }
    if (opcode === Op.Variable && local.has(result)) return true;
    if (opcode === Op.Function) current = result;
    if (opcode === Op.Label && current !== undefined) {
      to.keep(instruction);
      for (const [id, { variable, user }] of local) {
        if (user !== current) continue;
        to.emit(
          Op.Variable,
          inFunction(variable.operands[0]!),
          [StorageClass.Function, ...variable.operands.subarray(3)],
          id,
        );
      }
      current = undefined;
      return true;
    }
    if ((opcode !== Op.AccessChain && opcode !== Op.InBoundsAccessChain) || !pointers.has(base)) return false;
    pointers.add(result);
    to.emit(opcode, inFunction(pointer), [...operands.subarray(2)], result);
    return true;
  });
}

/** Private variables with the function that alone uses them, if that runs once. */
function localVariables(module: SpirvModule): Map<number, { readonly variable: Instruction; readonly user: number }> {
  const variables = new Map<number, Instruction>();
  for (const variable of module.instructions) {
    const [, id = 0, storageClass] = variable.operands;
    if (variable.opcode === Op.Variable && storageClass === StorageClass.Private) variables.set(id, variable);
  }
  /** The variable that a pointer leads to. */
  const roots = new Map([...variables.keys()].map((id) => [id, id]));
  const users = new Map<number, Set<number>>();
  let current = 0;
  for (const instruction of module.instructions) {
    const { opcode, operands } = instruction;
    if (opcode === Op.Function) current = operands[1]!;
    if (current === 0) continue;
    for (const id of idsOf(instruction)) {
      const root = roots.get(id);
      if (root === undefined) continue;
      if (!accesses.has(opcode)) variables.delete(root);
      users.set(root, (users.get(root) ?? new Set()).add(current));
      if (opcode === Op.AccessChain || opcode === Op.InBoundsAccessChain) roots.set(operands[1]!, root);
    }
  }
  const once = functionsThatRunOnce(module);
  const local = new Map<number, { readonly variable: Instruction; readonly user: number }>();
  for (const [id, variable] of variables) {
    const [user, ...others] = users.get(id) ?? [];
    if (user !== undefined && others.length === 0 && once.has(user)) local.set(id, { variable, user });
  }
  return local;
}

/** The entry point, and what it calls if all of it is one block, as HLSL compilers write it. */
function functionsThatRunOnce({ instructions, computeEntryPoints }: SpirvModule): Set<number> {
  const entry = computeEntryPoints[0]?.id ?? 0;
  const calls = new Map<number, number>();
  const fromEntry: number[] = [];
  let [current, blocks] = [0, 0];
  for (const { opcode, operands } of instructions) {
    if (opcode === Op.Function) current = operands[1]!;
    if (opcode === Op.Label && current === entry) blocks += 1;
    if (opcode !== Op.FunctionCall) continue;
    calls.set(operands[2]!, (calls.get(operands[2]!) ?? 0) + 1);
    if (current === entry) fromEntry.push(operands[2]!);
  }
  return new Set([entry, ...(blocks === 1 ? fromEntry.filter((id) => calls.get(id) === 1) : [])]);
}
