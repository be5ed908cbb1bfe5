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
  } else if (opcode === Op.SMod) signedModulo(to, type, first, second, result);
  else if (opcode >= Op.IAddCarry && opcode <= Op.SMulExtended) withHighPart(to, opcode, type, first, second, result);
  else return false;
  return true;
}

/** naga computes this with floats, which is wrong for large numbers; it refuses vectors. */
function signedModulo(to: Rewriter, type: number, first: number, second: number, result: number): void {
  const signed = to.shaped(type, to.type(Op.TypeInt, 32, 1));
  const isTrue = to.shaped(type, to.type(Op.TypeBool));
  const zero = to.constant(signed, 0);
  const [dividend, divisor] = [to.as(signed, first), to.as(signed, second)];
  const remainder = to.emit(Op.SRem, signed, [dividend, divisor]);
  const signs = to.emit(Op.BitwiseXor, signed, [remainder, divisor]);
  // The remainder has the sign of the dividend, the result that of the divisor.
  const differs = to.emit(Op.SLessThan, isTrue, [signs, zero]);
  const isRest = to.emit(Op.INotEqual, isTrue, [remainder, zero]);
  const added = to.emit(Op.Select, signed, [differs, divisor, zero]);
  const correction = to.emit(Op.Select, signed, [isRest, added, zero]);
  const sum = to.emit(Op.IAdd, signed, [remainder, correction], signed === type ? result : undefined);
  if (signed !== type) to.emit(Op.Bitcast, type, [sum], result);
}

/**
 * The result is a struct of the sum and the carry, of the difference and the borrow, or of the low and the high half of
 * the product.
 */
function withHighPart(
  to: Rewriter,
  opcode: number,
  struct: number,
  first: number,
  second: number,
  result: number,
): void {
  const type = to.definition(struct)?.operands[1] ?? 0;
  const unsigned = to.shaped(type, to.type(Op.TypeInt, 32, 0));
  const [a, b] = [to.as(unsigned, first), to.as(unsigned, second)];
  const operation = opcode === Op.IAddCarry ? Op.IAdd : opcode === Op.ISubBorrow ? Op.ISub : Op.IMul;
  const low = to.emit(operation, unsigned, [a, b]);
  let high: number;
  if (operation === Op.IMul) high = highHalf(to, unsigned, a, b, opcode === Op.SMulExtended);
  else {
    const isTrue = to.shaped(type, to.type(Op.TypeBool));
    const isOver = to.emit(Op.ULessThan, isTrue, operation === Op.IAdd ? [low, a] : [a, b]);
    high = to.emit(Op.Select, unsigned, [isOver, to.constant(unsigned, 1), to.constant(unsigned, 0)]);
  }
  to.emit(Op.CompositeConstruct, struct, [to.as(type, low), to.as(type, high)], result);
}

/** The high half of a product, from products of 16-bit halves. */
function highHalf(to: Rewriter, type: number, a: number, b: number, isSigned: boolean): number {
  const operate = (opcode: number) => (left: number, right: number) => to.emit(opcode, type, [left, right]);
  const [add, subtract, multiply, and] = [Op.IAdd, Op.ISub, Op.IMul, Op.BitwiseAnd].map(operate) as [
    ReturnType<typeof operate>,
    ReturnType<typeof operate>,
    ReturnType<typeof operate>,
    ReturnType<typeof operate>,
  ];
  const lowBits = to.constant(type, 0xffff);
  const sixteen = to.constant(type, 16);
  const lowOf = (value: number) => and(value, lowBits);
  const highOf = (value: number) => to.emit(Op.ShiftRightLogical, type, [value, sixteen]);
  const [aLow, aHigh, bLow, bHigh] = [lowOf(a), highOf(a), lowOf(b), highOf(b)];
  const [middle, other] = [multiply(aLow, bHigh), multiply(aHigh, bLow)];
  const carried = add(add(highOf(multiply(aLow, bLow)), lowOf(middle)), lowOf(other));
  const high = add(add(multiply(aHigh, bHigh), highOf(middle)), add(highOf(other), highOf(carried)));
  if (!isSigned) return high;
  // As an unsigned number a negative factor is 2 ** 32 larger.
  const thirtyOne = to.constant(type, 31);
  const signed = to.shaped(type, to.type(Op.TypeInt, 32, 1));
  const sign = (value: number) =>
    to.as(type, to.emit(Op.ShiftRightArithmetic, signed, [to.as(signed, value), thirtyOne]));
  return subtract(subtract(high, and(sign(a), b)), and(sign(b), a));
}
