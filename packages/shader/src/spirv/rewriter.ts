import { idsOf, resultOf } from "./check-operands.js";
import { type Instruction, indexSpirv, type SpirvModule } from "./module.js";
import { Op } from "./words.js";

/**
 * Replaces an instruction by emitting others.
 * @returns Whether it did; otherwise the instruction is kept.
 */
export type Rewrite = (instruction: Instruction, to: Rewriter) => boolean;

/** Applies `write` to every instruction of a module. */
export function rewriteSpirv(module: SpirvModule, write: Rewrite): SpirvModule {
  const rewriter = new Rewriter(module);
  for (const instruction of module.instructions) rewriter.next(instruction, write);
  return rewriter.finish();
}

/** Builds a module from another one, with new types and constants where they are needed. */
export class Rewriter {
  readonly #module: SpirvModule;
  readonly #definitions: Map<number, Instruction>;
  /** The types of all values so far. */
  readonly #types = new Map<number, number>();
  /** Ids of types and constants, by their opcodes and operands. */
  readonly #known = new Map<string, number>();
  readonly #declared: Instruction[] = [];
  readonly #functions: Instruction[] = [];
  readonly #instructions: Instruction[] = [];
  /** The index in `#instructions` of the first function. */
  #firstFunction: number | undefined;
  #bound: number;
  #at = 0;

  constructor(module: SpirvModule) {
    this.#module = module;
    this.#definitions = new Map(module.definitions);
    this.#bound = module.bound;
    for (const { opcode, operands } of module.definitions.values()) {
      const isType = opcode <= Op.TypeFunction && opcode !== Op.TypeStruct && !isArray(opcode);
      if (isType) this.#known.set(keyOf(opcode, operands.subarray(1)), operands[0]!);
      else if (isConstant(opcode))
        this.#known.set(keyOf(opcode, [operands[0]!, ...operands.subarray(2)]), operands[1]!);
    }
  }

  /** Adds `instruction` as `write` rewrites it. */
  next(instruction: Instruction, write: Rewrite): void {
    this.#at = instruction.at;
    if (instruction.opcode === Op.Function) this.#firstFunction ??= this.#instructions.length;
    const { operands } = instruction;
    const result = resultOf(instruction);
    if (result !== undefined && operands[1] === result) this.#types.set(result, operands[0]!);
    if (!write(instruction, this)) this.keep(instruction);
  }

  finish(): SpirvModule {
    const before = this.#firstFunction ?? this.#instructions.length;
    const instructions = [
      ...this.#instructions.slice(0, before),
      ...this.#declared,
      ...this.#functions,
      ...this.#instructions.slice(before),
    ];
    return indexSpirv({ ...this.#module, bound: this.#bound, instructions });
  }

  get module(): SpirvModule {
    return this.#module;
  }

  keep(instruction: Instruction): void {
    this.#instructions.push(instruction);
  }

  /** Adds an instruction without a result. */
  add(opcode: number, ...operands: number[]): void {
    this.keep({ opcode, operands: Uint32Array.from(operands), at: this.#at });
  }

  /** Adds an instruction with a result. @returns The result's id. */
  emit(opcode: number, type: number, operands: readonly number[], result = this.newId()): number {
    this.add(opcode, type, result, ...operands);
    this.#types.set(result, type);
    return result;
  }

  newId(): number {
    const id = this.#bound;
    this.#bound += 1;
    return id;
  }

  typeOf(value: number): number {
    return this.#types.get(value) ?? 0;
  }

  /** The definition of a type, a constant or a variable. */
  definition(id: number): Instruction | undefined {
    return this.#definitions.get(id);
  }

  /**
   * The type with these operands, declared if the module lacks it. Structs and arrays are always declared, since
   * layouts may differ.
   */
  type(opcode: number, ...operands: number[]): number {
    return this.#declare(opcode, operands, (id) => [id, ...operands]);
  }

  /** A scalar of `type`, or a vector of `type` with this value in each component. */
  constant(type: number, word: number): number {
    const definition = this.#definitions.get(type);
    if (definition?.opcode !== Op.TypeVector) {
      return this.#declare(Op.Constant, [type, word], (id) => [type, id, word]);
    }
    const component = this.constant(definition.operands[1]!, word);
    // A longer vector is invalid, and naga refuses its type.
    const components = new Array<number>(Math.min(definition.operands[2]!, 4)).fill(component);
    return this.#declare(Op.ConstantComposite, [type, ...components], (id) => [type, id, ...components]);
  }

  /** Declares at module scope, after all declarations of the module. */
  declare(opcode: number, operands: (id: number) => readonly number[]): number {
    const id = this.newId();
    const instruction = { opcode, operands: Uint32Array.from(operands(id)), at: this.#at };
    this.#declared.push(instruction);
    this.#definitions.set(id, instruction);
    if (instruction.operands[1] === id) this.#types.set(id, instruction.operands[0]!);
    return id;
  }

  /** Declares a function that returns `constant`. */
  declareFunction(type: number, constant: number): number {
    const signature = this.type(Op.TypeFunction, type);
    const [id, label] = [this.newId(), this.newId()];
    const add = (opcode: number, ...operands: number[]) =>
      this.#functions.push({ opcode, operands: Uint32Array.from(operands), at: this.#at });
    add(Op.Function, type, id, 0, signature);
    add(Op.Label, label);
    add(Op.ReturnValue, constant);
    add(Op.FunctionEnd);
    return id;
  }

  /** Adds an instruction of module scope after all declarations so far. */
  declareLater(instruction: Instruction): void {
    this.#declared.push(instruction);
    this.#types.set(instruction.operands[1]!, instruction.operands[0]!);
  }

  #declare(opcode: number, content: readonly number[], operands: (id: number) => readonly number[]): number {
    const key = keyOf(opcode, content);
    const id = this.#known.get(key) ?? this.declare(opcode, operands);
    if (opcode !== Op.TypeStruct && !isArray(opcode)) this.#known.set(key, id);
    return id;
  }

  /** `scalar`, or a vector of it if `type` is a vector, with as many components. */
  shaped(type: number, scalar: number): number {
    const definition = this.#definitions.get(type);
    return definition?.opcode === Op.TypeVector ? this.type(Op.TypeVector, scalar, definition.operands[2]!) : scalar;
  }

  /** The same bits as `type`. */
  as(type: number, value: number): number {
    return this.typeOf(value) === type ? value : this.emit(Op.Bitcast, type, [value]);
  }

  /** The ids that an instruction uses, without that of its type. */
  valuesOf(instruction: Instruction): number[] {
    return idsOf(instruction).slice(1);
  }
}

export function isConstant(opcode: number): boolean {
  return opcode >= Op.ConstantTrue && opcode <= Op.ConstantNull;
}

function isArray(opcode: number): boolean {
  return opcode === Op.TypeArray || opcode === Op.TypeRuntimeArray;
}

function keyOf(opcode: number, operands: Iterable<number>): string {
  return `${opcode} ${[...operands].join(" ")}`;
}
