/**
 * Splits loads and stores of structs and arrays that contain atomics. In WGSL an atomic has a type of its own, and
 * cannot be loaded or stored with the struct around it, so each part is loaded or stored separately.
 */
import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction } from "./instructions.js";
import type { Instruction, SpirvModule } from "./module.js";
import { type Rewriter, rewriteSpirv } from "./rewriter.js";
import { Op } from "./words.js";

/** The instructions whose results are pointers that atomics take. */
const pointerMakers: ReadonlySet<number> = new Set([
  Op.Variable,
  Op.AccessChain,
  Op.InBoundsAccessChain,
  Op.FunctionParameter,
]);

/** How many parts may be loaded and stored separately, in the whole module. */
const maxParts = 2 ** 14;

export function splitAtomics(module: SpirvModule): SpirvModule {
  const types = atomicTypes(module);
  if (types.size === 0) return module;
  let parts = 0;
  return rewriteSpirv(module, (instruction, to) => {
    const { opcode, operands } = instruction;
    const [first = 0, second = 0, third = 0] = operands;
    const split = new Split(to, types, (count) => {
      parts += count;
      if (parts > maxParts) throw tooManyParts(instruction);
    });
    if (opcode === Op.Load && types.has(first)) split.load(first, third, second);
    else if (opcode === Op.Store && types.has(to.typeOf(second))) split.store(to.typeOf(second), first, second);
    else if (opcode === Op.CopyMemory) {
      const type = to.definition(to.typeOf(first))?.operands[2] ?? 0;
      if (!types.has(type)) return false;
      split.store(type, first, split.load(to.definition(to.typeOf(second))?.operands[2] ?? 0, second));
    } else return false;
    return true;
  });
}

/** The structs and arrays that contain something that is used atomically. */
function atomicTypes({ instructions, definitions }: SpirvModule): Set<number> {
  const types = new Set<number>();
  const pointers = new Set<number>();
  const pointees = new Map<number, number>();
  for (const { opcode, operands } of instructions) {
    if (pointerMakers.has(opcode)) pointees.set(operands[1]!, definitions.get(operands[0]!)?.operands[2] ?? 0);
    if (opcode >= Op.AtomicLoad && opcode <= Op.AtomicXor) pointers.add(operands[opcode === Op.AtomicStore ? 0 : 2]!);
  }
  for (const { opcode, operands } of instructions.toReversed()) {
    if (opcode !== Op.AccessChain && opcode !== Op.InBoundsAccessChain) continue;
    const [, result = 0, base = 0, ...indices] = operands;
    if (!pointers.has(result)) continue;
    pointers.add(base);
    let type = pointees.get(base) ?? 0;
    for (const index of indices) {
      const { opcode: kind, operands: parts } = definitions.get(type) ?? {};
      if (kind === Op.TypeStruct || kind === Op.TypeArray) types.add(type);
      const member = kind === Op.TypeStruct ? (definitions.get(index)?.operands[2] ?? 0) : 0;
      type = parts?.[1 + member] ?? 0;
    }
  }
  return types;
}

class Split {
  readonly #to: Rewriter;
  readonly #types: ReadonlySet<number>;
  readonly #count: (parts: number) => void;

  constructor(to: Rewriter, types: ReadonlySet<number>, count: (parts: number) => void) {
    this.#to = to;
    this.#types = types;
    this.#count = count;
  }

  load(type: number, pointer: number, result?: number): number {
    if (!this.#types.has(type)) return this.#to.emit(Op.Load, type, [pointer], result);
    const parts = this.#partsOf(type).map((part, i) => this.load(part, this.#partAt(pointer, part, i)));
    return this.#to.emit(Op.CompositeConstruct, type, parts, result);
  }

  store(type: number, pointer: number, value: number): void {
    if (!this.#types.has(type)) return this.#to.add(Op.Store, pointer, value);
    for (const [i, part] of this.#partsOf(type).entries()) {
      const extracted = this.#to.emit(Op.CompositeExtract, part, [value, i]);
      this.store(part, this.#partAt(pointer, part, i), extracted);
    }
  }

  #partAt(pointer: number, part: number, index: number): number {
    const storageClass = this.#to.definition(this.#to.typeOf(pointer))?.operands[1] ?? 0;
    const u32 = this.#to.type(Op.TypeInt, 32, 0);
    const type = this.#to.type(Op.TypePointer, storageClass, part);
    return this.#to.emit(Op.AccessChain, type, [pointer, this.#to.constant(u32, index)]);
  }

  #partsOf(type: number): number[] {
    const { opcode, operands } = this.#to.definition(type)!;
    const [, ...parts] = operands;
    const isArray = opcode === Op.TypeArray;
    const count =
      opcode === Op.TypeStruct ? parts.length : isArray ? (this.#to.definition(parts[1]!)?.operands[2] ?? 0) : 0;
    this.#count(count);
    return isArray ? new Array<number>(count).fill(parts[0]!) : parts.slice(0, count);
  }
}

function tooManyParts(instruction: Instruction): InstructionRefusal {
  return new InstructionRefusal(
    "unsupported-shader",
    instruction,
    `copies structs or arrays with atomics as a whole, more than ${maxParts} parts (${nameInstruction(instruction)}); ` +
      "copy only the parts that are needed.",
  );
}
