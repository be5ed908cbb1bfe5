/** Operations on floats that naga lacks, or translates wrongly for NaNs. */
import type { Instruction } from "./module.js";
import type { Rewriter } from "./rewriter.js";
import { Glsl, Op } from "./words.js";

/** Comparisons that hold for NaNs, each with its opposite. WGSL does not define whether its `!=` holds for a NaN. */
const unordered: ReadonlyMap<number, number> = new Map<number, number>([
  [Op.FUnordNotEqual, Op.FOrdEqual],
  [Op.FUnordLessThan, Op.FOrdGreaterThanEqual],
  [Op.FUnordGreaterThan, Op.FOrdLessThanEqual],
  [Op.FUnordLessThanEqual, Op.FOrdGreaterThan],
  [Op.FUnordGreaterThanEqual, Op.FOrdLessThan],
]);

export function writeFloats({ opcode, operands }: Instruction, to: Rewriter): boolean {
  if (opcode === Op.ExtInst) return splitFloat(to, operands);
  const [type, result, first, second] = operands as unknown as [number, number, number, number];
  const opposite = unordered.get(opcode);
  if (opposite !== undefined) {
    to.emit(Op.LogicalNot, type, [to.emit(opposite, type, [first, second])], result);
  } else if (opcode === Op.FOrdNotEqual || opcode === Op.FUnordEqual) {
    const less = to.emit(Op.FOrdLessThan, type, [first, second]);
    const greater = to.emit(Op.FOrdGreaterThan, type, [first, second]);
    const differs = to.emit(Op.Select, type, [less, less, greater], opcode === Op.FOrdNotEqual ? result : undefined);
    if (opcode === Op.FUnordEqual) to.emit(Op.LogicalNot, type, [differs], result);
  } else if (opcode === Op.IsNan || opcode === Op.IsInf) isNotFinite(to, opcode, type, first, result);
  else return false;
  return true;
}

/** Looks at the bits, since compilers may assume that a float is finite. */
function isNotFinite(to: Rewriter, opcode: number, type: number, value: number, result: number): void {
  const unsigned = to.shaped(type, to.type(Op.TypeInt, 32, 0));
  const bits = to.emit(Op.Bitcast, unsigned, [value]);
  const magnitude = to.emit(Op.BitwiseAnd, unsigned, [bits, to.constant(unsigned, 0x7fff_ffff)]);
  const comparison = opcode === Op.IsNan ? Op.UGreaterThan : Op.IEqual;
  to.emit(comparison, type, [magnitude, to.constant(unsigned, 0x7f80_0000)], result);
}

/** `modf` and `frexp` have two results: one is stored through a pointer, or both are in a struct. */
function splitFloat(to: Rewriter, operands: Uint32Array): boolean {
  const [type = 0, result = 0, set = 0, instruction = 0, value = 0, pointer = 0] = operands;
  const isModf = instruction === Glsl.Modf || instruction === Glsl.ModfStruct;
  if (!isModf && instruction !== Glsl.Frexp && instruction !== Glsl.FrexpStruct) return false;
  const isStruct = instruction === Glsl.ModfStruct || instruction === Glsl.FrexpStruct;
  const float = to.typeOf(value);
  const second = isStruct ? to.definition(type)?.operands[2] : to.definition(to.typeOf(pointer))?.operands[2];
  const scalar = to.definition(float)?.opcode === Op.TypeVector ? to.definition(float)!.operands[1]! : float;
  if (second === undefined || to.definition(scalar)?.operands[1] !== 32) return false;
  const [part, other] = isModf ? wholeAndRest(to, float, set, value) : mantissaAndExponent(to, float, second, value);
  if (isStruct) to.emit(Op.CompositeConstruct, type, [part, other], result);
  else {
    to.add(Op.Store, pointer, other);
    to.emit(Op.CopyObject, type, [part], result);
  }
  return true;
}

/** Both with the sign of `value`. */
function wholeAndRest(to: Rewriter, float: number, set: number, value: number): [rest: number, whole: number] {
  const unsigned = to.shaped(float, to.type(Op.TypeInt, 32, 0));
  const whole = to.emit(Op.ExtInst, float, [set, Glsl.Trunc, value]);
  const rest = to.emit(Op.Bitcast, unsigned, [to.emit(Op.FSub, float, [value, whole])]);
  const bits = to.emit(Op.Bitcast, unsigned, [value]);
  const sign = to.emit(Op.BitwiseAnd, unsigned, [bits, to.constant(unsigned, 0x8000_0000)]);
  return [to.emit(Op.Bitcast, float, [to.emit(Op.BitwiseOr, unsigned, [rest, sign])]), whole];
}

/** The mantissa, from 0.5 to 1, and the exponent, from the bits. Zero, infinities and NaNs have the exponent 0. */
function mantissaAndExponent(to: Rewriter, float: number, integer: number, value: number): [number, number] {
  const unsigned = to.shaped(float, to.type(Op.TypeInt, 32, 0));
  const isTrue = to.shaped(float, to.type(Op.TypeBool));
  const constant = (word: number) => to.constant(unsigned, word);
  const and = (bits: number, mask: number) => to.emit(Op.BitwiseAnd, unsigned, [bits, constant(mask)]);
  const select = (type: number, condition: number, yes: number, no: number) =>
    to.emit(Op.Select, type, [condition, yes, no]);
  const exponentOf = (bits: number) => to.emit(Op.ShiftRightLogical, unsigned, [and(bits, 0x7f80_0000), constant(23)]);
  const equals = (left: number, word: number) => to.emit(Op.IEqual, isTrue, [left, constant(word)]);

  // Scaling makes a subnormal number normal, so that its bits have its exponent.
  const isSmall = equals(exponentOf(to.emit(Op.Bitcast, unsigned, [value])), 0);
  const scaled = to.emit(Op.FMul, float, [value, to.constant(float, 0x4c00_0000)]);
  const bits = to.emit(Op.Bitcast, unsigned, [select(float, isSmall, scaled, value)]);
  const exponent = exponentOf(bits);
  const isZero = equals(exponent, 0);
  const isKept = to.emit(Op.Select, isTrue, [isZero, isZero, equals(exponent, 0xff)]);
  const mantissa = to.emit(Op.BitwiseOr, unsigned, [and(bits, 0x807f_ffff), constant(0x3f00_0000)]);
  const bias = select(unsigned, isSmall, constant(126 + 25), constant(126));
  const unbiased = to.emit(Op.ISub, unsigned, [exponent, bias]);
  return [
    select(float, isKept, value, to.emit(Op.Bitcast, float, [mantissa])),
    to.as(integer, select(unsigned, isKept, constant(0), unbiased)),
  ];
}
