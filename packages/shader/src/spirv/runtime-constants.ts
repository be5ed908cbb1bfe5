/**
 * Moves infinities, NaNs and operations on constants to run time. SPIR-V defines their results; WGSL's compilers
 * evaluate constant expressions and refuse those that overflow or are not finite. They do not evaluate calls, so the
 * constants come from functions. Variables would do, too, but WGSL takes their values for non-uniform.
 */
import { withIds } from "./check-operands.js";
import type { Instruction, SpirvModule } from "./module.js";
import { isConstant, Rewriter } from "./rewriter.js";
import { Op, StorageClass } from "./words.js";

/** The bits of an f32's exponent, all of which are 1 in infinities and NaNs. */
const exponent = 0x7f80_0000;

export function computeAtRunTime(module: SpirvModule): SpirvModule {
  return new RunTimeConstants(module).run();
}

class RunTimeConstants {
  readonly #module: SpirvModule;
  readonly #to: Rewriter;
  /** Constants that are not finite, or have such a part. */
  readonly #infinite = new Set<number>();
  /** Those that each function uses. */
  readonly #used = new Map<number, Set<number>>();
  /** The functions that return a constant, by it. */
  readonly #functions = new Map<number, number>();
  /** The values of `#infinite` in the current function. */
  readonly #values = new Map<number, number>();
  /** Variables that are initialized at the beginning of the current function, or of the entry point. */
  #stores: (readonly [variable: number, value: number])[] = [];
  #function: number | undefined;
  #isAtBeginning = false;

  constructor(module: SpirvModule) {
    this.#module = module;
    this.#to = new Rewriter(module);
  }

  run(): SpirvModule {
    for (const { opcode, operands } of this.#module.definitions.values()) {
      const [type = 0, id = 0, ...parts] = operands;
      const isInfinite =
        (opcode === Op.Constant && this.#isF32(type) && (parts[0]! & exponent) === exponent) ||
        (opcode === Op.ConstantComposite && parts.some((part) => this.#infinite.has(part)));
      if (isInfinite) this.#infinite.add(id);
    }
    let used = new Set<number>();
    for (const instruction of this.#module.instructions) {
      if (instruction.opcode === Op.Function) this.#used.set(instruction.operands[1]!, (used = new Set()));
      withIds(instruction, (id) => {
        if (this.#infinite.has(id)) used.add(id);
        return id;
      });
    }
    for (const instruction of this.#module.instructions) this.#to.next(instruction, () => this.#write(instruction));
    return this.#to.finish();
  }

  #write(instruction: Instruction): boolean {
    const { opcode, operands } = instruction;
    const [, result = 0, , initial = 0] = operands;
    if (opcode === Op.Function) {
      this.#function = result;
      this.#isAtBeginning = true;
      this.#values.clear();
    }
    // naga refuses such a constant even where it is not used.
    if (isConstant(opcode) && this.#infinite.has(result)) return true;
    if (opcode === Op.Variable && this.#infinite.has(initial)) {
      this.#stores.push([result, initial]);
      this.#to.keep({ ...instruction, operands: operands.subarray(0, 3) });
      return true;
    }
    if (this.#function === undefined || opcode === Op.Function || opcode === Op.FunctionParameter) return false;
    if (opcode === Op.Variable || opcode === Op.Label) return false;
    if (this.#isAtBeginning) this.#begin(this.#function);
    const finite = withIds(instruction, (id) => this.#values.get(id) ?? id);
    this.#to.keep(this.#isOfConstants(finite) ? this.#withCall(finite) : finite);
    return true;
  }

  /** Computes the constants of a function where they dominate all of it, and initializes its variables. */
  #begin(id: number): void {
    this.#isAtBeginning = false;
    const isEntry = this.#module.computeEntryPoints.some((entry) => entry.id === id);
    const mine = this.#stores.filter(([variable]) => isEntry || this.#isLocal(variable));
    this.#stores = this.#stores.filter((store) => !mine.includes(store));
    for (const constant of this.#used.get(id) ?? []) this.#valueOf(constant);
    for (const [variable, value] of mine) this.#to.add(Op.Store, variable, this.#valueOf(value));
  }

  #isLocal(variable: number): boolean {
    return this.#module.definitions.get(variable)?.operands[2] === StorageClass.Function;
  }

  /** The value of a constant in the current function. */
  #valueOf(constant: number): number {
    if (!this.#infinite.has(constant)) return constant;
    const known = this.#values.get(constant);
    if (known !== undefined) return known;
    const { opcode, operands } = this.#module.definitions.get(constant)!;
    const [type = 0, , ...rest] = operands;
    const isComposite = opcode === Op.ConstantComposite;
    const parts = isComposite ? rest.map((part) => this.#valueOf(part)) : [this.#call(this.#bitsOf(rest[0]!))];
    const value = this.#to.emit(isComposite ? Op.CompositeConstruct : Op.Bitcast, type, parts);
    this.#values.set(constant, value);
    return value;
  }

  #bitsOf(word: number): number {
    return this.#to.constant(this.#to.type(Op.TypeInt, 32, 0), word);
  }

  #isF32(type: number): boolean {
    const definition = this.#module.definitions.get(type);
    return definition?.opcode === Op.TypeFloat && definition.operands[1] === 32;
  }

  /** Whether an instruction computes something of constants alone. */
  #isOfConstants(instruction: Instruction): boolean {
    const { opcode } = instruction;
    const isArithmetic = opcode >= Op.ConvertFToU && opcode <= Op.BitCount && opcode !== Op.Select;
    if (!isArithmetic && opcode !== Op.ExtInst) return false;
    const values = this.#argumentsOf(instruction);
    return values.length > 0 && values.every((value) => isConstant(this.#to.definition(value)?.opcode ?? 0));
  }

  #argumentsOf(instruction: Instruction): number[] {
    // The first id of OpExtInst is that of its set.
    return this.#to.valuesOf(instruction).slice(instruction.opcode === Op.ExtInst ? 1 : 0);
  }

  #withCall(instruction: Instruction): Instruction {
    const [first] = this.#argumentsOf(instruction);
    const called = this.#call(first!);
    return withIds(instruction, (id) => (id === first ? called : id));
  }

  #call(constant: number): number {
    const type = this.#to.definition(constant)!.operands[0]!;
    const known = this.#functions.get(constant) ?? this.#to.declareFunction(type, constant);
    this.#functions.set(constant, known);
    return this.#to.emit(Op.FunctionCall, type, [known]);
  }
}
