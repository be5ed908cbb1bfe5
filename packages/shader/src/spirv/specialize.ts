/**
 * Sets a module's specialization constants, as a driver would do. The result has plain constants, arrays of known
 * length and a workgroup size in numbers; naga would ignore or refuse anything else.
 */
import type { Program } from "@kiln-gpu/core";
import { invalidSpirv } from "./check-operands.js";
import { canFold, foldConstant, operandCount } from "./fold-constant.js";
import { type GivenConstants, matchConstants } from "./given-constants.js";
import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction, nameOpcode } from "./instructions.js";
import { decorates, type Instruction, indexSpirv, type SpirvModule } from "./module.js";
import { BuiltIn, Decoration, ExecutionMode, Op } from "./words.js";

/**
 * @throws {ComputeError} `invalid-kernel` for constants that do not match the module; `unsupported-shader` for results
 *   that cannot be computed.
 */
export function specializeSpirv(module: SpirvModule, constants: Program["constants"]): SpirvModule {
  return new Specialization(module, matchConstants(module, constants)).run();
}

class Specialization {
  readonly #module: SpirvModule;
  readonly #given: GivenConstants;
  readonly #instructions: Instruction[] = [];
  /** The constants so far, by id. */
  readonly #constants = new Map<number, Instruction>();
  #bound: number;

  constructor(module: SpirvModule, given: GivenConstants) {
    this.#module = module;
    this.#given = given;
    this.#bound = module.bound;
  }

  run(): SpirvModule {
    for (const instruction of this.#module.instructions) this.#add(instruction);
    const instructions = this.#withWorkgroupSize();
    return indexSpirv({ ...this.#module, bound: this.#bound, instructions });
  }

  #add(instruction: Instruction): void {
    const { opcode, operands } = instruction;
    if (decorates(instruction, Decoration.SpecId)) return;
    if (opcode >= Op.SpecConstantTrue && opcode <= Op.SpecConstant) this.#define(this.#specialized(instruction));
    else if (opcode === Op.SpecConstantComposite) this.#define({ ...instruction, opcode: Op.ConstantComposite });
    else if (opcode === Op.SpecConstantOp) this.#fold(instruction, operands);
    else if (opcode >= Op.ConstantTrue && opcode <= Op.ConstantNull) this.#define(instruction);
    else this.#instructions.push(instruction);
  }

  #define(constant: Instruction): number {
    this.#instructions.push(constant);
    this.#constants.set(constant.operands[1]!, constant);
    return constant.operands[1]!;
  }

  #specialized(instruction: Instruction): Instruction {
    const { opcode, operands } = instruction;
    const value = this.#given.get(operands[1]!);
    if (opcode === Op.SpecConstant) {
      const words = value === undefined ? operands.subarray(2) : [value];
      return { ...instruction, opcode: Op.Constant, operands: Uint32Array.of(operands[0]!, operands[1]!, ...words) };
    }
    const isTrue = value === undefined ? opcode === Op.SpecConstantTrue : value !== 0;
    return { ...instruction, opcode: isTrue ? Op.ConstantTrue : Op.ConstantFalse };
  }

  #fold(instruction: Instruction, operands: Uint32Array): void {
    const [type, result, operation] = [operands[0]!, operands[1]!, operands[2]!];
    const given = operands.subarray(3);
    const missing = (count: number) => {
      if (given.length >= count) return;
      throw invalidSpirv(instruction, `has ${given.length} operands for ${nameOpcode(operation)}`);
    };
    if (operation === Op.CompositeExtract) {
      missing(2);
      let id = given[0]!;
      for (const index of given.subarray(1)) id = this.#part(instruction, id, index);
      this.#copy(instruction, id, result);
    } else if (operation === Op.CompositeInsert) {
      missing(3);
      if (given.length > 3) throw this.#unfoldable(instruction, operation);
      const parts = this.#parts(instruction, given[1]!);
      if (given[2]! >= parts.length) throw this.#outside(instruction, given[2]!);
      this.#compose(instruction, type, result, parts.with(given[2]!, given[0]!));
    } else if (operation === Op.VectorShuffle) {
      missing(3);
      const parts = [...this.#parts(instruction, given[0]!), ...this.#parts(instruction, given[1]!)];
      const chosen = [...given.subarray(2)].map((index) => parts[index] ?? 0);
      if (chosen.includes(0)) throw this.#outside(instruction, [...given.subarray(2)][chosen.indexOf(0)]!);
      this.#compose(instruction, type, result, chosen);
    } else if (operation === Op.Select) {
      missing(3);
      this.#lanes(instruction, type, result, [...given.subarray(0, 3)], ([condition, yes, no]) => {
        return condition === 0 ? no! : yes!;
      });
    } else if (canFold(operation)) {
      const count = operandCount(operation);
      missing(count);
      this.#lanes(instruction, type, result, [...given.subarray(0, count)], ([a, b = 0]) => {
        const folded = foldConstant(operation, a!, b);
        if (folded !== undefined) return folded;
        throw new InstructionRefusal(
          "invalid-kernel",
          instruction,
          `computes a constant that is not defined: ${nameInstruction(instruction)} has ${nameOpcode(operation)} of ` +
            `${a} and ${b}; give its specialization constants other values.`,
        );
      });
    } else throw this.#unfoldable(instruction, operation);
  }

  /** Folds scalars, or vectors lane by lane; a scalar condition applies to all lanes. */
  #lanes(
    instruction: Instruction,
    type: number,
    result: number,
    operands: readonly number[],
    fold: (words: readonly number[]) => number,
  ): void {
    const vector = this.#module.definitions.get(type);
    if (vector?.opcode !== Op.TypeVector) {
      this.#scalar(instruction, type, result, fold(operands.map((id) => this.#word(instruction, id))));
      return;
    }
    const lanes = operands.map((id) => (this.#isScalar(id) ? id : this.#parts(instruction, id)));
    // A longer vector is invalid, and naga refuses its type.
    const parts = Array.from({ length: Math.min(vector.operands[2]!, 4) }, (_, lane) => {
      const words = lanes.map((ids) => this.#word(instruction, typeof ids === "number" ? ids : (ids[lane] ?? 0)));
      const id = this.#bound;
      this.#bound += 1;
      return this.#scalar(instruction, vector.operands[1]!, id, fold(words));
    });
    this.#compose(instruction, type, result, parts);
  }

  #scalar({ at }: Instruction, type: number, id: number, word: number): number {
    if (this.#module.definitions.get(type)?.opcode === Op.TypeBool) {
      const opcode = word === 0 ? Op.ConstantFalse : Op.ConstantTrue;
      return this.#define({ opcode, operands: Uint32Array.of(type, id), at });
    }
    return this.#define({ opcode: Op.Constant, operands: Uint32Array.of(type, id, word), at });
  }

  #compose({ at }: Instruction, type: number, id: number, parts: readonly number[]): void {
    this.#define({ opcode: Op.ConstantComposite, operands: Uint32Array.of(type, id, ...parts), at });
  }

  #copy(instruction: Instruction, from: number, to: number): void {
    const constant = this.#constants.get(from);
    if (!constant) throw this.#unknown(instruction, from);
    const operands = constant.operands.slice();
    operands[1] = to;
    this.#define({ ...constant, operands, at: instruction.at });
  }

  #isScalar(id: number): boolean {
    const opcode = this.#constants.get(id)?.opcode;
    return opcode === Op.Constant || opcode === Op.ConstantTrue || opcode === Op.ConstantFalse;
  }

  #part(instruction: Instruction, id: number, index: number): number {
    const part = this.#parts(instruction, id)[index];
    if (part === undefined) throw this.#outside(instruction, index);
    return part;
  }

  #parts(instruction: Instruction, id: number): number[] {
    const constant = this.#constants.get(id);
    if (constant?.opcode !== Op.ConstantComposite) throw this.#unknown(instruction, id);
    return [...constant.operands.subarray(2)];
  }

  #word(instruction: Instruction, id: number): number {
    const constant = this.#constants.get(id);
    if (constant?.opcode === Op.ConstantTrue) return 1;
    if (constant?.opcode === Op.ConstantFalse) return 0;
    const type = this.#module.definitions.get(constant?.operands[0] ?? 0);
    const isNumber = type?.opcode === Op.TypeBool || (type?.opcode === Op.TypeInt && type.operands[1] === 32);
    const isFloat = type?.opcode === Op.TypeFloat && type.operands[1] === 32;
    if (constant?.opcode === Op.Constant && (isNumber || isFloat)) return constant.operands[2]!;
    if (constant?.opcode === Op.ConstantNull && (isNumber || isFloat)) return 0;
    throw this.#unknown(instruction, id);
  }

  /**
   * Makes the workgroup size a LocalSize. The built-in constant overrides LocalSizeId and LocalSize of the entry point.
   */
  #withWorkgroupSize(): Instruction[] {
    const isBuiltIn = (instruction: Instruction) =>
      decorates(instruction, Decoration.BuiltIn) && instruction.operands.at(-1) === BuiltIn.WorkgroupSize;
    const builtIn = this.#instructions.find(isBuiltIn);
    const size = builtIn && this.#parts(builtIn, builtIn.operands[0]!).map((id) => this.#word(builtIn, id));
    const kept: Instruction[] = [];
    for (const instruction of this.#instructions) {
      const { opcode, operands, at } = instruction;
      const isSize = opcode === Op.ExecutionMode && operands[1] === ExecutionMode.LocalSize;
      const isSizeId = opcode === Op.ExecutionModeId && operands[1] === ExecutionMode.LocalSizeId;
      if (isBuiltIn(instruction) || (size && (isSize || isSizeId))) continue;
      if (isSizeId) {
        const words = [...operands.subarray(2)].map((id) => this.#word(instruction, id));
        kept.push(localSize(operands[0]!, words, at));
      } else kept.push(instruction);
      if (size && opcode === Op.EntryPoint) kept.push(localSize(operands[1]!, size, at));
    }
    return kept;
  }

  #unfoldable(instruction: Instruction, operation: number): InstructionRefusal {
    return new InstructionRefusal(
      "unsupported-shader",
      instruction,
      `computes a constant by ${nameOpcode(operation)} in ${nameInstruction(instruction)}, which Kiln does not fold; ` +
        "apply the specialization first, as `spirv-opt --freeze-spec-const --fold-spec-const-op-composite` does.",
    );
  }

  #unknown(instruction: Instruction, id: number): InstructionRefusal {
    return new InstructionRefusal(
      "unsupported-shader",
      instruction,
      `needs the value of ${id} in ${nameInstruction(instruction)}, which is not a constant of 32-bit numbers or booleans, ` +
        "or a vector of them; write it as one.",
    );
  }

  #outside(instruction: Instruction, index: number): InstructionRefusal {
    return invalidSpirv(instruction, `takes part ${index} of a constant that has fewer parts`);
  }
}

function localSize(entry: number, size: readonly number[], at: number): Instruction {
  return { opcode: Op.ExecutionMode, operands: Uint32Array.of(entry, ExecutionMode.LocalSize, ...size), at };
}
