/** Subgroup operations that naga lacks. */
import type { Instruction } from "./module.js";
import type { Rewriter } from "./rewriter.js";
import { GroupOperation, Op } from "./words.js";

export function writeSubgroups({ opcode, operands }: Instruction, to: Rewriter): boolean {
  const [type, result, scope, value] = operands as unknown as [number, number, number, number];
  if (opcode === Op.GroupNonUniformElect) {
    // No active thread comes before the first one.
    const u32 = to.type(Op.TypeInt, 32, 0);
    const scan = [scope, GroupOperation.ExclusiveScan, to.constant(u32, 1)];
    to.emit(Op.IEqual, type, [to.emit(Op.GroupNonUniformIAdd, u32, scan), to.constant(u32, 0)], result);
  } else if (opcode === Op.GroupNonUniformAllEqual) {
    const own = to.emit(Op.CopyObject, to.typeOf(value), [value]);
    const all = (condition: number) => to.emit(Op.GroupNonUniformAll, type, [scope, condition]);
    if (to.typeOf(value) === type) {
      const [yes, no] = [all(own), all(to.emit(Op.LogicalNot, type, [own]))];
      to.emit(Op.LogicalOr, type, [yes, no], result);
    } else {
      const first = to.emit(Op.GroupNonUniformBroadcastFirst, to.typeOf(value), [scope, own]);
      to.emit(Op.CopyObject, type, [all(isEqual(to, type, own, first))], result);
    }
  } else return false;
  return true;
}

/** Whether two scalars or vectors are equal. */
function isEqual(to: Rewriter, bool: number, left: number, right: number): number {
  const type = to.typeOf(left);
  const definition = to.definition(type);
  const isVector = definition?.opcode === Op.TypeVector;
  const scalar = isVector ? to.definition(definition.operands[1]!) : definition;
  const comparison = scalar?.opcode === Op.TypeFloat ? Op.FOrdEqual : Op.IEqual;
  const equal = to.emit(comparison, to.shaped(type, bool), [left, right]);
  return isVector ? to.emit(Op.All, bool, [equal]) : equal;
}
