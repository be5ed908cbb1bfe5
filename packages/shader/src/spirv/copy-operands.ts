/**
 * Copies the operands of atomics and subgroup operations that come from another block or from an OpPhi. naga makes
 * statements of these operations, and does not load such operands before the statement; it does load a copy in the same
 * block.
 */
import { resultOf, withIds } from "./check-operands.js";
import type { Instruction } from "./module.js";
import type { Rewrite, Rewriter } from "./rewriter.js";
import { Op } from "./words.js";

/** Makes a rewrite for one module, whose instructions it must get in order. */
export function copyOperands(): Rewrite {
  /** The values that the current block defines, except by OpPhi. */
  const own = new Set<number>();
  return (instruction: Instruction, to: Rewriter) => {
    const { opcode } = instruction;
    if (opcode === Op.Label) own.clear();
    const result = resultOf(instruction);
    if (result !== undefined && opcode !== Op.Phi) own.add(result);
    const isAtomic = opcode >= Op.AtomicLoad && opcode <= Op.AtomicXor;
    const isSubgroup = opcode >= Op.GroupNonUniformElect && opcode <= Op.GroupNonUniformQuadSwap;
    if (!isAtomic && !isSubgroup) return false;
    const isCopied = (id: number) => {
      const type = to.typeOf(id);
      return type > 0 && !own.has(id) && !to.definition(id) && to.definition(type)?.opcode !== Op.TypePointer;
    };
    to.keep(withIds(instruction, (id) => (isCopied(id) ? to.emit(Op.CopyObject, to.typeOf(id), [id]) : id)));
    return true;
  };
}
