/** Operations on floats that naga lacks, or translates without a care for NaNs. */
import type { Instruction } from "./module.js";
import type { Rewriter } from "./rewriter.js";
import { Op } from "./words.js";

/** Comparisons that hold for a NaN, each with the one that holds exactly where it does not. WGSL leaves open whether its `!=` holds. */
const unordered: ReadonlyMap<number, number> = new Map<number, number>([
  [Op.FUnordNotEqual, Op.FOrdEqual],
  [Op.FUnordLessThan, Op.FOrdGreaterThanEqual],
  [Op.FUnordGreaterThan, Op.FOrdLessThanEqual],
  [Op.FUnordLessThanEqual, Op.FOrdGreaterThan],
  [Op.FUnordGreaterThanEqual, Op.FOrdLessThan],
]);

export function writeFloats({ opcode, operands }: Instruction, to: Rewriter): boolean {
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

/** By the bits: compilers of shaders may assume of a float that it is finite. */
function isNotFinite(to: Rewriter, opcode: number, type: number, value: number, result: number): void {
  const unsigned = to.shaped(type, to.type(Op.TypeInt, 32, 0));
  const bits = to.emit(Op.Bitcast, unsigned, [value]);
  const magnitude = to.emit(Op.BitwiseAnd, unsigned, [bits, to.constant(unsigned, 0x7fff_ffff)]);
  const comparison = opcode === Op.IsNan ? Op.UGreaterThan : Op.IEqual;
  to.emit(comparison, type, [magnitude, to.constant(unsigned, 0x7f80_0000)], result);
}
