/** Integer operations that naga or WGSL lacks. */
import type { Instruction } from "./module.js";
import type { Rewriter } from "./rewriter.js";
import { Op } from "./words.js";

/** Integer operations whose operands and result may differ in signedness; in WGSL they may not. */
const signless: ReadonlySet<number> = new Set<number>([
  ...[Op.IAdd, Op.ISub, Op.IMul, Op.BitwiseOr, Op.BitwiseXor, Op.BitwiseAnd],
]);

export function writeIntegers(instruction: Instruction, to: Rewriter): boolean {
  const { opcode, operands } = instruction;
  const [type, result, first, second] = operands as unknown as [number, number, number, number];
  if (signless.has(opcode)) {
    const values = to.valuesOf(instruction).map((value) => to.as(type, value));
    to.emit(opcode, type, values, result);
  } else if (opcode >= Op.ShiftRightLogical && opcode <= Op.ShiftLeftLogical) {
    to.emit(opcode, type, [to.as(type, first), second], result);
  } else if (opcode === Op.IEqual || opcode === Op.INotEqual) {
    to.emit(opcode, type, [first, to.as(to.typeOf(first), second)], result);
  } else return false;
  return true;
}
