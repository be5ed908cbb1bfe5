/** Rewrites a module for naga: each instruction that naga lacks becomes instructions of the same meaning. */
import { idsOf, resultOf } from "./check-operands.js";
import { type Instruction, indexSpirv, type SpirvModule } from "./module.js";
import { Op, StorageClass } from "./words.js";

/** Integer operations whose operands and result may differ in signedness; in WGSL they may not. */
const signless: ReadonlySet<number> = new Set<number>([
  ...[Op.IAdd, Op.ISub, Op.IMul, Op.BitwiseOr, Op.BitwiseXor, Op.BitwiseAnd],
]);

export function legalizeSpirv(module: SpirvModule): SpirvModule {
  return new Legalization(module).run();
}

class Legalization {
  readonly #module: SpirvModule;
  readonly #types = new Map<number, number>();
  readonly #instructions: Instruction[] = [];
  #bound: number;

  constructor(module: SpirvModule) {
    this.#module = module;
    this.#bound = module.bound;
  }

  run(): SpirvModule {
    for (const instruction of this.#module.instructions) {
      const { operands } = instruction;
      const result = resultOf(instruction);
      if (result !== undefined && operands[1] === result) this.#types.set(result, operands[0]!);
      this.#add(instruction);
    }
    return indexSpirv({ ...this.#module, bound: this.#bound, instructions: this.#instructions });
  }

  #add(instruction: Instruction): void {
    const { opcode, operands } = instruction;
    const [type, result, first, second] = operands as unknown as [number, number, number, number];
    if (opcode === Op.CopyLogical) this.#copyLogical(instruction, type, first, result);
    else if (opcode === Op.OuterProduct) this.#outerProduct(instruction, type, first, second, result);
    else if (signless.has(opcode)) {
      const same = idsOf(instruction)
        .slice(1)
        .map((id) => this.#as(instruction, type, id));
      this.#emit(instruction, opcode, type, same, result);
    } else if (opcode >= Op.ShiftRightLogical && opcode <= Op.ShiftLeftLogical) {
      this.#emit(instruction, opcode, type, [this.#as(instruction, type, first), second], result);
    } else if (opcode === Op.IEqual || opcode === Op.INotEqual) {
      const other = this.#as(instruction, this.#types.get(first) ?? type, second);
      this.#emit(instruction, opcode, type, [first, other], result);
    } else if (opcode === Op.Variable && operands[2] === StorageClass.Workgroup && this.#isNull(operands[3])) {
      // WGSL's workgroup memory is zero without an initializer.
      this.#instructions.push({ ...instruction, operands: operands.subarray(0, 3) });
    } else this.#instructions.push(instruction);
  }

  #emit(at: Instruction, opcode: number, type: number, operands: readonly number[], result = this.#bound++): number {
    this.#instructions.push({ opcode, operands: Uint32Array.of(type, result, ...operands), at: at.at });
    this.#types.set(result, type);
    return result;
  }

  #isNull(id: number | undefined): boolean {
    return id !== undefined && this.#module.definitions.get(id)?.opcode === Op.ConstantNull;
  }

  /** The same bits as `type`. */
  #as(at: Instruction, type: number, id: number): number {
    return this.#types.get(id) === type ? id : this.#emit(at, Op.Bitcast, type, [id]);
  }

  /** Types that differ only in layout may be one type or two in WGSL; a copy part by part is right in both cases. */
  #copyLogical(at: Instruction, type: number, value: number, result?: number): number {
    const from = this.#module.definitions.get(this.#types.get(value) ?? 0);
    const to = this.#module.definitions.get(type);
    const parts = this.#partsOf(to).map((part, i) => {
      const extracted = this.#emit(at, Op.CompositeExtract, this.#partsOf(from)[i] ?? part, [value, i]);
      return this.#types.get(extracted) === part ? extracted : this.#copyLogical(at, part, extracted);
    });
    return this.#emit(at, Op.CompositeConstruct, type, parts, result);
  }

  #partsOf(type: Instruction | undefined): readonly number[] {
    if (type?.opcode === Op.TypeStruct) return [...type.operands.subarray(1)];
    if (type?.opcode !== Op.TypeArray) return [];
    const length = this.#module.definitions.get(type.operands[2]!)?.operands[2] ?? 0;
    // naga refuses the copy of a longer array, which is not written out.
    return Array.from({ length: Math.min(length, maxCopied) }, () => type.operands[1]!);
  }

  #outerProduct(at: Instruction, type: number, column: number, row: number, result: number): void {
    const matrix = this.#module.definitions.get(type);
    const vector = matrix?.operands[1] ?? 0;
    const scalar = this.#module.definitions.get(vector)?.operands[1] ?? 0;
    const columns = Array.from({ length: Math.min(matrix?.operands[2] ?? 0, 4) }, (_, i) => {
      const factor = this.#emit(at, Op.CompositeExtract, scalar, [row, i]);
      return this.#emit(at, Op.VectorTimesScalar, vector, [column, factor]);
    });
    this.#emit(at, Op.CompositeConstruct, type, columns, result);
  }
}

const maxCopied = 256;
