/**
 * Replaces row-major matrices, which all compilers of HLSL and Slang write. WGSL has only column-major ones. The
 * transposed matrix has the same bytes, so buffers get its type, and every access transposes.
 */
import { idsOf } from "./check-operands.js";
import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction } from "./instructions.js";
import { decorates, decorationOf, type Instruction, type SpirvModule } from "./module.js";
import { pruneGlobals } from "./prune.js";
import { Rewriter } from "./rewriter.js";
import { Decoration, Op, StorageClass } from "./words.js";

/** How many parts of structs and arrays with row-major matrices may be copied one by one, in the whole module. */
const maxCopied = 2 ** 14;

const buffers: ReadonlySet<number> = new Set([
  StorageClass.Uniform,
  StorageClass.PushConstant,
  StorageClass.StorageBuffer,
]);

/** What a pointer refers to, by the module's own type, and whether the matrices in it are row-major. */
interface Target {
  readonly type: number;
  readonly isRowMajor: boolean;
}

/** A column of a row-major matrix, which has no address in WGSL. */
interface Column {
  readonly matrix: number;
  readonly index: number;
  readonly type: number;
}

/**
 * Returns the module without row-major matrices in buffers.
 * @throws {ComputeError} `unsupported-shader` for pointers to such matrices that are passed on.
 */
export function transposeMatrices(module: SpirvModule): SpirvModule {
  const hasRows = module.instructions.some((instruction) => decorates(instruction, Decoration.RowMajor));
  return hasRows ? new Transposition(module).run() : module;
}

class Transposition {
  readonly #module: SpirvModule;
  readonly #to: Rewriter;
  /** The types in memory, by the type and whether its matrices are row-major. */
  readonly #inMemory = new Map<string, number>();
  readonly #withRows = new Map<string, boolean>();
  /** The types in memory of structs and arrays, by the original type. */
  readonly #copies = new Map<number, number[]>();
  readonly #targets = new Map<number, Target>();
  readonly #columns = new Map<number, Column>();
  #copied = 0;

  constructor(module: SpirvModule) {
    this.#module = module;
    this.#to = new Rewriter(module);
  }

  run(): SpirvModule {
    for (const { opcode, operands } of this.#module.definitions.values()) {
      const isBuffer = opcode === Op.Variable && buffers.has(operands[2]!);
      const block = isBuffer ? this.#module.definitions.get(operands[0]!)?.operands[2] : undefined;
      if (block !== undefined && this.#hasRows(block, false)) {
        this.#memoryType(block, false);
        this.#targets.set(operands[1]!, { type: block, isRowMajor: false });
      }
    }
    for (const instruction of this.#module.instructions) this.#to.next(instruction, () => this.#write(instruction));
    return pruneGlobals(this.#to.finish());
  }

  /**
   * Whether there are row-major matrices in `type`; `isRowMajor` is the order of those that are not members of a struct
   * in it.
   */
  #hasRows(type: number, isRowMajor: boolean): boolean {
    const key = `${type} ${isRowMajor}`;
    const known = this.#withRows.get(key);
    if (known !== undefined) return known;
    const { opcode, operands } = this.#module.definitions.get(type) ?? {};
    let hasRows = false;
    if (opcode === Op.TypeMatrix) hasRows = isRowMajor;
    else if (opcode === Op.TypeArray || opcode === Op.TypeRuntimeArray)
      hasRows = this.#hasRows(operands![1]!, isRowMajor);
    else if (opcode === Op.TypeStruct) {
      hasRows = [...operands!.subarray(1)].some((member, i) => this.#hasRows(member, this.#isRowMajorMember(type, i)));
    }
    this.#withRows.set(key, hasRows);
    return hasRows;
  }

  /** The type that `type` has in memory: itself if no matrix in it is row-major. */
  #memoryType(type: number, isRowMajor: boolean): number {
    if (!this.#hasRows(type, isRowMajor)) return type;
    const key = `${type} ${isRowMajor}`;
    const known = this.#inMemory.get(key);
    if (known !== undefined) return known;
    const made = this.#makeMemoryType(type, isRowMajor);
    this.#inMemory.set(key, made);
    if (!this.#isMatrix(type)) this.#copies.set(type, [...(this.#copies.get(type) ?? []), made]);
    return made;
  }

  #makeMemoryType(type: number, isRowMajor: boolean): number {
    const { opcode = 0, operands = new Uint32Array() } = this.#module.definitions.get(type) ?? {};
    const [, first = 0, ...rest] = operands;
    if (opcode === Op.TypeMatrix) {
      const row = this.#to.type(Op.TypeVector, this.#operand(first, 1), rest[0]!);
      return this.#to.type(Op.TypeMatrix, row, this.#operand(first, 2));
    }
    if (opcode !== Op.TypeStruct) return this.#to.type(opcode, this.#memoryType(first, isRowMajor), ...rest);
    const members = [first, ...rest].map((member, i) => this.#memoryType(member, this.#isRowMajorMember(type, i)));
    return this.#to.type(opcode, ...members);
  }

  #isRowMajorMember(struct: number, member: number): boolean {
    return decorationOf(this.#module, Decoration.RowMajor, struct, member) !== undefined;
  }

  #isMatrix(type: number): boolean {
    return this.#module.definitions.get(type)?.opcode === Op.TypeMatrix;
  }

  #write(instruction: Instruction): boolean {
    const { opcode, operands } = instruction;
    const [first = 0, second = 0, third = 0] = operands;
    switch (opcode) {
      case Op.Name:
      case Op.MemberName:
      case Op.Decorate:
      case Op.MemberDecorate:
        return this.#annotate(instruction);
      case Op.Variable: {
        const target = this.#targets.get(second);
        if (!target) return false;
        const pointer = this.#to.type(Op.TypePointer, third, this.#memoryType(target.type, false));
        this.#to.declareLater({ ...instruction, operands: Uint32Array.of(pointer, ...operands.subarray(1)) });
        return true;
      }
      case Op.AccessChain:
      case Op.InBoundsAccessChain:
        return this.#access(instruction);
      case Op.CopyObject:
        return this.#alias(third, second);
      case Op.Load:
        return this.#load(third, second) !== undefined;
      case Op.Store:
        return this.#store(first, second);
      case Op.CopyMemory:
        return this.#copyMemory(first, second);
      case Op.EntryPoint:
      case Op.ArrayLength:
        return false;
    }
    if (idsOf(instruction).some((id) => this.#isKnown(id))) {
      throw new InstructionRefusal(
        "unsupported-shader",
        instruction,
        `passes on a pointer to a row-major matrix (${nameInstruction(instruction)}), which WGSL does not have; ` +
          "have the compiler inline the function, or pass the value.",
      );
    }
    return false;
  }

  /** Copies annotations to the types in memory. The original types are used for values only, and lose their layouts. */
  #annotate(instruction: Instruction): boolean {
    const { opcode, operands } = instruction;
    const copies = this.#copies.get(operands[0]!);
    if (!copies) return false;
    const isLayout = opcode === Op.Decorate || opcode === Op.MemberDecorate;
    const stays = !isLayout || (decorates(instruction, Decoration.ArrayStride) && this.#isSameSize(operands[0]!));
    if (stays) this.#to.keep(instruction);
    if (decorates(instruction, Decoration.RowMajor)) return true;
    for (const copy of copies) this.#to.add(opcode, copy, ...operands.subarray(1));
    return true;
  }

  /** Whether transposing the matrices of an array keeps its size. Other members may have the same array type. */
  #isSameSize(array: number): boolean {
    const opcode = this.#module.definitions.get(array)?.opcode;
    const part = this.#operand(array, 1);
    if (opcode === Op.TypeArray || opcode === Op.TypeRuntimeArray) return this.#isSameSize(part);
    return opcode === Op.TypeMatrix && this.#operand(part, 2) === this.#operand(array, 2);
  }

  #isKnown(pointer: number): boolean {
    return this.#targets.has(pointer) || this.#columns.has(pointer);
  }

  #alias(from: number, to: number): boolean {
    const target = this.#targets.get(from);
    const column = this.#columns.get(from);
    if (column) {
      this.#columns.set(to, column);
      return true;
    }
    if (!target) return false;
    const pointer = this.#to.typeOf(from);
    this.#to.emit(Op.CopyObject, pointer, [from], to);
    this.#targets.set(to, target);
    return true;
  }

  #access({ opcode, operands }: Instruction): boolean {
    const [pointer = 0, result = 0, base = 0, ...indices] = operands;
    const storageClass = this.#operand(pointer, 1);
    const column = this.#columns.get(base);
    if (column) {
      this.#to.emit(opcode, pointer, [column.matrix, indices[0]!, column.index], result);
      return true;
    }
    const target = this.#targets.get(base);
    if (!target) return false;
    let { type, isRowMajor } = target;
    for (const [i, index] of indices.entries()) {
      const { opcode: kind = 0, operands: parts = new Uint32Array() } = this.#module.definitions.get(type) ?? {};
      if (kind === Op.TypeMatrix && isRowMajor) {
        const matrix = i === 0 ? base : this.#chain(opcode, storageClass, base, indices.slice(0, i), type);
        if (indices.length === i + 1) this.#columns.set(result, { matrix, index, type: parts[1]! });
        else this.#to.emit(opcode, pointer, [matrix, indices[i + 1]!, index], result);
        return true;
      }
      if (kind === Op.TypeStruct) {
        const member = this.#operand(index, 2);
        type = parts[1 + member] ?? 0;
        isRowMajor = this.#isRowMajorMember(parts[0]!, member);
      } else type = parts[1] ?? 0;
    }
    if (!this.#hasRows(type, isRowMajor)) return false;
    const made = this.#to.type(Op.TypePointer, storageClass, this.#memoryType(type, isRowMajor));
    this.#to.emit(opcode, made, [base, ...indices], result);
    this.#targets.set(result, { type, isRowMajor });
    return true;
  }

  /** A pointer to the row-major matrix at `indices`. */
  #chain(opcode: number, storageClass: number, base: number, indices: readonly number[], matrix: number): number {
    const pointer = this.#to.type(Op.TypePointer, storageClass, this.#memoryType(matrix, true));
    return this.#to.emit(opcode, pointer, [base, ...indices]);
  }

  #load(pointer: number, result?: number): number | undefined {
    const column = this.#columns.get(pointer);
    if (column) {
      const { type } = column;
      const parts = this.#componentsOf(column).map((part) => this.#to.emit(Op.Load, this.#scalarOf(type), [part]));
      return this.#to.emit(Op.CompositeConstruct, type, parts, result);
    }
    const target = this.#targets.get(pointer);
    if (!target) return undefined;
    const loaded = this.#to.emit(Op.Load, this.#memoryType(target.type, target.isRowMajor), [pointer]);
    return this.#convert(loaded, target, this.#memoryType(target.type, target.isRowMajor), target.type, result);
  }

  #store(pointer: number, value: number): boolean {
    const column = this.#columns.get(pointer);
    if (column) {
      const scalar = this.#scalarOf(column.type);
      for (const [i, part] of this.#componentsOf(column).entries()) {
        this.#to.add(Op.Store, part, this.#to.emit(Op.CompositeExtract, scalar, [value, i]));
      }
      return true;
    }
    const target = this.#targets.get(pointer);
    if (!target) return false;
    const inMemory = this.#memoryType(target.type, target.isRowMajor);
    this.#to.add(Op.Store, pointer, this.#convert(value, target, target.type, inMemory));
    return true;
  }

  #copyMemory(to: number, from: number): boolean {
    if (!this.#isKnown(to) && !this.#isKnown(from)) return false;
    const plain = () => this.#to.emit(Op.Load, this.#operand(this.#to.typeOf(from), 2), [from]);
    const value = this.#load(from) ?? plain();
    if (!this.#store(to, value)) this.#to.add(Op.Store, to, value);
    return true;
  }

  /** Pointers to the components of a column. */
  #componentsOf({ matrix, index, type }: Column): number[] {
    const storageClass = this.#operand(this.#to.typeOf(matrix), 1);
    const pointer = this.#to.type(Op.TypePointer, storageClass, this.#scalarOf(type));
    const count = Math.min(this.#operand(type, 2), 4);
    const u32 = this.#to.type(Op.TypeInt, 32, 0);
    return Array.from({ length: count }, (_, row) =>
      this.#to.emit(Op.AccessChain, pointer, [matrix, this.#to.constant(u32, row), index]),
    );
  }

  #scalarOf(vector: number): number {
    return this.#operand(vector, 1);
  }

  /** Converts `value` between the type of `target` and its type in memory. */
  #convert(value: number, target: Target, from: number, into: number, result?: number): number {
    const { type } = target;
    if (this.#isMatrix(type)) return this.#to.emit(Op.Transpose, into, [value], result);
    const parts = this.#partsOf(target).map((part, i) => {
      const inMemory = this.#memoryType(part.type, part.isRowMajor);
      const [partFrom, partInto] = from === type ? [part.type, inMemory] : [inMemory, part.type];
      const extracted = this.#to.emit(Op.CompositeExtract, partFrom, [value, i]);
      return this.#hasRows(part.type, part.isRowMajor) ? this.#convert(extracted, part, partFrom, partInto) : extracted;
    });
    return this.#to.emit(Op.CompositeConstruct, into, parts, result);
  }

  #partsOf({ type, isRowMajor }: Target): Target[] {
    const definition = this.#module.definitions.get(type)!;
    const isStruct = definition.opcode === Op.TypeStruct;
    const members = [...definition.operands.subarray(1)];
    const count = isStruct ? members.length : this.#operand(members[1]!, 2);
    this.#copied += count;
    if (this.#copied > maxCopied) {
      throw new InstructionRefusal(
        "unsupported-shader",
        definition,
        `copies structs or arrays with row-major matrices as a whole, more than ${maxCopied} parts (${nameInstruction(definition)}); ` +
          "copy only the parts that are needed.",
      );
    }
    if (!isStruct) return new Array<Target>(count).fill({ type: members[0]!, isRowMajor });
    return members.map((member, i) => ({ type: member, isRowMajor: this.#isRowMajorMember(type, i) }));
  }

  /** An operand of the definition of `id`; 0 if there is none, which happens in invalid modules. */
  #operand(id: number, index: number): number {
    return this.#to.definition(id)?.operands[index] ?? 0;
  }
}
