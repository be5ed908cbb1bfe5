/** Operations on vectors, matrices, structs and arrays that naga lacks. */
import type { Instruction } from "./module.js";
import type { Rewriter } from "./rewriter.js";
import { Op, StorageClass } from "./words.js";

/** Longer arrays are not copied part by part; naga refuses to copy them. */
const maxCopied = 256;

export function writeComposites({ opcode, operands, at }: Instruction, to: Rewriter): boolean {
  const [type, result, first, second] = operands as unknown as [number, number, number, number];
  if (opcode === Op.CopyLogical) copyLogical(to, type, first, result);
  else if (opcode === Op.OuterProduct) outerProduct(to, type, first, second, result);
  else if (opcode === Op.Variable && first === StorageClass.Workgroup && isNull(to, second)) {
    // WGSL's workgroup memory is zero without an initializer.
    to.keep({ opcode, operands: operands.subarray(0, 3), at });
  } else if ((opcode === Op.LogicalOr || opcode === Op.LogicalAnd) && isVector(to, type)) {
    // naga has these only for scalars.
    to.emit(Op.Select, type, opcode === Op.LogicalOr ? [first, first, second] : [first, second, first], result);
  } else return false;
  return true;
}

function isNull(to: Rewriter, id: number | undefined): boolean {
  return id !== undefined && to.definition(id)?.opcode === Op.ConstantNull;
}

function isVector(to: Rewriter, type: number): boolean {
  return to.definition(type)?.opcode === Op.TypeVector;
}

/** Types that differ only in layout may be one type or two in WGSL; a copy part by part is right in both cases. */
function copyLogical(to: Rewriter, type: number, value: number, result?: number): number {
  const given = partsOf(to, to.typeOf(value));
  const parts = partsOf(to, type).map((part, i) => {
    const extracted = to.emit(Op.CompositeExtract, given[i] ?? part, [value, i]);
    return to.typeOf(extracted) === part ? extracted : copyLogical(to, part, extracted);
  });
  return to.emit(Op.CompositeConstruct, type, parts, result);
}

function partsOf(to: Rewriter, type: number): readonly number[] {
  const { opcode, operands } = to.definition(type) ?? {};
  if (opcode === Op.TypeStruct) return [...operands!.subarray(1)];
  if (opcode !== Op.TypeArray) return [];
  const length = to.definition(operands![2]!)?.operands[2] ?? 0;
  return Array.from({ length: Math.min(length, maxCopied) }, () => operands![1]!);
}

function outerProduct(to: Rewriter, type: number, column: number, row: number, result: number): void {
  const matrix = to.definition(type);
  const vector = matrix?.operands[1] ?? 0;
  const scalar = to.definition(vector)?.operands[1] ?? 0;
  const columns = Array.from({ length: Math.min(matrix?.operands[2] ?? 0, 4) }, (_, i) => {
    const factor = to.emit(Op.CompositeExtract, scalar, [row, i]);
    return to.emit(Op.VectorTimesScalar, vector, [column, factor]);
  });
  to.emit(Op.CompositeConstruct, type, columns, result);
}
