/** Reads ballots, which naga cannot, and declares the built-in ids of subgroups that this needs. */
import type { Instruction, SpirvModule } from "./module.js";
import { Rewriter } from "./rewriter.js";
import { BuiltIn, Decoration, GroupOperation, Op, StorageClass } from "./words.js";

/** The built-in values that an instruction is written with. */
function builtinsOf({ opcode, operands }: Instruction): number[] {
  if (opcode === Op.GroupNonUniformInverseBallot) return [BuiltIn.SubgroupLocalInvocationId];
  if (opcode === Op.GroupNonUniformBallotFindMSB) return [BuiltIn.SubgroupSize];
  if (opcode !== Op.GroupNonUniformBallotBitCount) return [];
  return [operands[3] === GroupOperation.Reduce ? BuiltIn.SubgroupSize : BuiltIn.SubgroupLocalInvocationId];
}

function variableOf({ decorations }: SpirvModule, builtin: number): number | undefined {
  for (const [key, value] of decorations) {
    const [decoration, id] = key.split(" ");
    if (Number(decoration) === Decoration.BuiltIn && value === builtin && !id!.includes(".")) return Number(id);
  }
  return undefined;
}

/** Declares the built-in values that are needed and not declared. */
export function declareBallotBuiltins(module: SpirvModule): SpirvModule {
  const needed = new Set(module.instructions.flatMap(builtinsOf));
  const missing = [...needed].filter((builtin) => variableOf(module, builtin) === undefined);
  if (missing.length === 0) return module;
  const to = new Rewriter(module);
  const variables = missing.map((builtin) => ({ id: to.newId(), builtin }));
  let isDeclared = false;
  for (const instruction of module.instructions) {
    to.next(instruction, ({ opcode, operands, at }) => {
      if (opcode === Op.EntryPoint) {
        to.keep({ opcode, operands: Uint32Array.of(...operands, ...variables.map(({ id }) => id)), at });
        return true;
      }
      if (isDeclared || opcode < Op.TypeVoid || opcode === Op.Decorate || opcode === Op.MemberDecorate) return false;
      isDeclared = true;
      const pointer = to.type(Op.TypePointer, StorageClass.Input, to.type(Op.TypeInt, 32, 0));
      for (const { id, builtin } of variables) {
        to.add(Op.Decorate, id, Decoration.BuiltIn, builtin);
        to.declareLater({ opcode: Op.Variable, operands: Uint32Array.of(pointer, id, StorageClass.Input), at });
      }
      return false;
    });
  }
  return to.finish();
}

export function writeBallots(instruction: Instruction, to: Rewriter): boolean {
  const { opcode, operands } = instruction;
  const [type, result, , third, fourth] = operands as unknown as [number, number, number, number, number];
  const u32 = to.type(Op.TypeInt, 32, 0);
  const count = () => new Count(to, u32, builtinsOf(instruction)[0]);
  switch (opcode) {
    case Op.GroupNonUniformInverseBallot:
      count().bit(type, third, count().builtin(), result);
      return true;
    case Op.GroupNonUniformBallotBitExtract:
      count().bit(type, third, to.as(u32, fourth), result);
      return true;
    case Op.GroupNonUniformBallotBitCount:
      count().bitCount(type, third, fourth, result);
      return true;
    case Op.GroupNonUniformBallotFindLSB:
      count().lowest(type, third, result);
      return true;
    case Op.GroupNonUniformBallotFindMSB:
      count().highest(type, third, result);
      return true;
    default:
      return false;
  }
}

/** Arithmetic on the four words of a ballot. */
class Count {
  readonly #to: Rewriter;
  readonly #u32: number;
  readonly #builtin: number | undefined;

  constructor(to: Rewriter, u32: number, builtin: number | undefined) {
    this.#to = to;
    this.#u32 = u32;
    this.#builtin = builtin;
  }

  builtin(): number {
    const variable = variableOf(this.#to.module, this.#builtin!) ?? 0;
    const declared = this.#to.definition(this.#to.definition(variable)?.operands[0] ?? 0)?.operands[2] ?? 0;
    return this.#to.as(this.#u32, this.#to.emit(Op.Load, declared, [variable]));
  }

  bit(type: number, ballot: number, index: number, result: number): void {
    const word = this.#operate(
      Op.VectorExtractDynamic,
      ballot,
      this.#operate(Op.ShiftRightLogical, index, this.#of(5)),
    );
    const shifted = this.#operate(Op.ShiftRightLogical, word, this.#operate(Op.BitwiseAnd, index, this.#of(31)));
    const last = this.#operate(Op.BitwiseAnd, shifted, this.#of(1));
    this.#to.emit(Op.INotEqual, type, [last, this.#of(0)], result);
  }

  bitCount(type: number, operation: number, ballot: number, result: number): void {
    const builtin = this.builtin();
    const isInclusive = operation === GroupOperation.InclusiveScan;
    const limit = isInclusive ? this.#operate(Op.IAdd, builtin, this.#of(1)) : builtin;
    const counts = this.#below(ballot, limit).map((word) => this.#to.emit(Op.BitCount, this.#u32, [word]));
    this.#return(
      type,
      counts.reduce((sum, each) => this.#operate(Op.IAdd, sum, each)),
      result,
    );
  }

  lowest(type: number, ballot: number, result: number): void {
    const found = this.#words(ballot).map((word) => {
      const lowest = this.#operate(Op.BitwiseAnd, word, this.#operate(Op.ISub, this.#of(0), word));
      return [word, this.#to.emit(Op.BitCount, this.#u32, [this.#operate(Op.ISub, lowest, this.#of(1))])] as const;
    });
    this.#return(
      type,
      this.#first(found.map(([word, bit], i) => [word, this.#operate(Op.IAdd, bit, this.#of(32 * i))])),
      result,
    );
  }

  highest(type: number, ballot: number, result: number): void {
    const found = this.#below(ballot, this.builtin()).map((word, i) => {
      const smeared = [1, 2, 4, 8, 16].reduce(
        (bits, by) => this.#operate(Op.BitwiseOr, bits, this.#operate(Op.ShiftRightLogical, bits, this.#of(by))),
        word,
      );
      const bit = this.#to.emit(Op.BitCount, this.#u32, [smeared]);
      return [word, this.#operate(Op.IAdd, bit, this.#of((32 * i - 1) >>> 0))] as const;
    });
    this.#return(type, this.#first(found.reverse()), result);
  }

  /** The value of the first pair whose word is not 0. */
  #first(pairs: readonly (readonly [word: number, value: number])[]): number {
    return pairs.reduceRight((rest, [word, value]) => this.#select(Op.INotEqual, word, 0, value, rest), this.#of(0));
  }

  /** The words of a ballot, of which only the bits below `limit` are kept. */
  #below(ballot: number, limit: number): number[] {
    return this.#words(ballot).map((word, i) => {
      const start = this.#of(32 * i);
      const bits = this.#select(Op.UGreaterThan, limit, 32 * i, this.#operate(Op.ISub, limit, start), this.#of(0));
      const shift = this.#operate(Op.BitwiseAnd, bits, this.#of(31));
      const some = this.#operate(Op.ISub, this.#operate(Op.ShiftLeftLogical, this.#of(1), shift), this.#of(1));
      return this.#operate(Op.BitwiseAnd, word, this.#select(Op.UGreaterThan, bits, 31, this.#of(0xffff_ffff), some));
    });
  }

  #words(ballot: number): number[] {
    return [0, 1, 2, 3].map((i) => this.#to.emit(Op.CompositeExtract, this.#u32, [ballot, i]));
  }

  #of(word: number): number {
    return this.#to.constant(this.#u32, word);
  }

  #operate(opcode: number, left: number, right: number): number {
    return this.#to.emit(opcode, this.#u32, [left, right]);
  }

  #select(comparison: number, value: number, than: number, yes: number, no: number): number {
    const condition = this.#to.emit(comparison, this.#to.type(Op.TypeBool), [value, this.#of(than)]);
    return this.#to.emit(Op.Select, this.#u32, [condition, yes, no]);
  }

  #return(type: number, value: number, result: number): void {
    this.#to.emit(type === this.#u32 ? Op.CopyObject : Op.Bitcast, type, [value], result);
  }
}
