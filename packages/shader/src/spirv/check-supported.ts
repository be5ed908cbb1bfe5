/**
 * Refuses by name, before the translation, what naga would translate wrongly without a word, or to WGSL that no device
 * accepts, or to far too much WGSL.
 */
import { Refusal } from "../refusal.js";
import { idsOf } from "./check-operands.js";
import { InstructionRefusal } from "./instruction-source.js";
import { nameInstruction } from "./instructions.js";
import { decorates, decorationOf, type Instruction, type SpirvModule } from "./module.js";
import {
  Decoration,
  ExecutionMode,
  MemoryAccess,
  MemoryModel,
  Op,
  StorageClass,
  unsupportedCapabilities,
} from "./words.js";

/**
 * How many parts a type or a constant may have when all of its levels are written out, as in WGSL, and how many levels.
 */
const maxParts = 2 ** 16;
const maxDepth = 32;
/** naga visits every constant of a module for every function; this many visits take seconds. */
const maxConstantsOfFunctions = 2 ** 21;

/** The bits of Acquire, Release, AcquireRelease and SequentiallyConsistent. */
const orderings = 0x1e;

/** @throws {ComputeError} `unsupported-shader`, with the name and offset of the unsupported instruction. */
export function checkSupported(module: SpirvModule): void {
  const parts = new Map<number, { readonly count: number; readonly depth: number }>();
  for (const instruction of module.instructions) {
    const problem = problemOf(module, instruction);
    if (problem !== undefined) {
      throw new InstructionRefusal(
        "unsupported-shader",
        instruction,
        `${problem[0]} (${nameInstruction(instruction)}); ${problem[1]}.`,
      );
    }
    if (instruction.opcode >= Op.TypeVoid && instruction.opcode <= Op.ConstantNull) {
      checkParts(instruction, parts);
    }
  }
  const functions = module.instructions.filter(({ opcode }) => opcode === Op.Function).length;
  const constants = [...module.definitions.values()].filter(({ opcode }) => opcode >= Op.ConstantTrue).length;
  if (functions * constants <= maxConstantsOfFunctions) return;
  throw new Refusal(
    "unsupported-shader",
    `has ${functions} functions, and ${constants} constants and variables outside them; the product of both numbers may be at most ` +
      `${maxConstantsOfFunctions}. Have the compiler inline its functions, or read large tables from a buffer.`,
  );
}

/** The problem, and the advice. */
function problemOf(module: SpirvModule, instruction: Instruction): readonly [string, string] | undefined {
  const { opcode, operands } = instruction;
  switch (opcode) {
    case Op.Capability: {
      const name = unsupportedCapabilities[operands[0]!];
      return name === undefined
        ? undefined
        : [`needs the SPIR-V capability ${name}`, "WebGPU lacks it: compile the shader without it"];
    }
    case Op.TypeImage:
    case Op.TypeSampler:
    case Op.TypeSampledImage:
      return ["uses an image or a sampler", "Kiln binds storage and uniform buffers"];
    case Op.MemoryModel:
      if (operands[1] === MemoryModel.GLSL450 || operands[1] === MemoryModel.Vulkan) return undefined;
      return ["has a memory model that shaders do not have", "compile it for Vulkan"];
    case Op.Load:
      return accessProblem(operands.subarray(3));
    case Op.Store:
    case Op.CopyMemory:
      return accessProblem(operands.subarray(2));
    case Op.TypeArray:
      return lengthProblem(module.definitions.get(operands[2]!));
    case Op.Variable:
      return variableProblem(module, operands);
  }
  if (decorates(instruction, Decoration.Volatile) || decorates(instruction, Decoration.Coherent)) {
    return [
      "has volatile or coherent memory",
      "in WGSL only atomics are coherent: use them, or leave the qualifier out",
    ];
  }
  if (opcode === Op.MemberDecorate && operands[2] === Decoration.MatrixStride) return strideProblem(module, operands);
  if (opcode < Op.AtomicLoad || opcode > Op.AtomicXor) return undefined;
  const first = opcode === Op.AtomicStore ? 2 : 4;
  const semantics = operands.subarray(first, first + (opcode === Op.AtomicCompareExchange ? 2 : 1));
  if (![...semantics].some((id) => ((module.definitions.get(id)?.operands[2] ?? 0) & orderings) !== 0))
    return undefined;
  return [
    "has an atomic that orders other memory",
    "WGSL's atomics are relaxed: use a barrier, or leave acquire and release out",
  ];
}

function accessProblem(access: Uint32Array): readonly [string, string] | undefined {
  const flags = access[0] ?? 0;
  const stronger = MemoryAccess.Volatile | MemoryAccess.MakePointerAvailable | MemoryAccess.MakePointerVisible;
  return (flags & stronger) === 0
    ? undefined
    : ["has a volatile or coherent access", "in WGSL only atomics are coherent: use them, or leave the qualifier out"];
}

/**
 * naga does not name an empty array, and panics at one larger than memory; specialization constants can produce both.
 */
function lengthProblem(length: Instruction | undefined): readonly [string, string] | undefined {
  if (length?.opcode !== Op.Constant) return undefined;
  const count = length.operands[2]!;
  if (count < 2 ** 30) return undefined;
  return [`has an array of ${count} elements`, `an array has 1 to ${2 ** 30 - 1}`];
}

/** naga refuses such a matrix too, but without the member's name. */
function strideProblem(module: SpirvModule, operands: Uint32Array): readonly [string, string] | undefined {
  const [struct, member, , stride] = operands;
  let type = module.definitions.get(module.definitions.get(struct!)?.operands[1 + member!] ?? 0);
  while (type?.opcode === Op.TypeArray || type?.opcode === Op.TypeRuntimeArray)
    type = module.definitions.get(type.operands[1]!);
  const column = module.definitions.get(type?.operands[1] ?? 0);
  const scalar = module.definitions.get(column?.operands[1] ?? 0);
  if (type?.opcode !== Op.TypeMatrix || scalar?.opcode !== Op.TypeFloat) return undefined;
  // WGSL has the transposed matrix, whose columns are these rows.
  const isRowMajor = decorationOf(module, Decoration.RowMajor, struct!, member) !== undefined;
  const inWgsl = (scalar.operands[1]! / 8) * ((isRowMajor ? type : column!).operands[2] === 2 ? 2 : 4);
  if (stride === inWgsl) return undefined;
  const name = module.names.get(`${struct}.${member}`) || `member ${member}`;
  const parts = isRowMajor ? "rows" : "columns";
  return [
    `has a layout that its translation to WGSL loses: the ${parts} of ${name} are ${stride} bytes apart, in WGSL ${inWgsl}`,
    `declare the ${parts} as an array of vectors`,
  ];
}

function variableProblem(module: SpirvModule, operands: Uint32Array): readonly [string, string] | undefined {
  const [pointer, , storageClass] = operands;
  const type = module.definitions.get(pointer!);
  if (type?.opcode === Op.TypePointer && type.operands[1] !== storageClass) {
    return [
      `has a variable of storage class ${storageClass} whose type is a pointer into storage class ${type.operands[1]}`,
      "both must be the same",
    ];
  }
  if (storageClass !== StorageClass.Uniform && storageClass !== StorageClass.StorageBuffer) return undefined;
  const block = module.definitions.get(type?.operands[2] ?? 0);
  const isArray = block?.opcode === Op.TypeArray || block?.opcode === Op.TypeRuntimeArray;
  return isArray
    ? ["binds an array of buffers at one place", "WebGPU has one buffer there: give each a binding"]
    : undefined;
}

function checkParts(
  instruction: Instruction,
  known: Map<number, { readonly count: number; readonly depth: number }>,
): void {
  const { opcode, operands } = instruction;
  const isConstant = opcode >= Op.ConstantTrue;
  const isNested = opcode !== Op.TypePointer && opcode !== Op.TypeFunction && opcode !== Op.Constant;
  let count = 1;
  let depth = 1;
  for (const id of isNested ? idsOf(instruction).slice(isConstant && opcode !== Op.ConstantNull ? 1 : 0) : []) {
    const part = known.get(id);
    count += part?.count ?? 0;
    depth = Math.max(depth, 1 + (part?.depth ?? 0));
  }
  known.set(operands[isConstant ? 1 : 0]!, { count, depth });
  if (count > maxParts || depth > maxDepth) {
    throw new InstructionRefusal(
      "unsupported-shader",
      instruction,
      `has a ${isConstant ? "constant" : "type"} of ${count} parts on ${depth} levels (${nameInstruction(instruction)}); at most ` +
        `${maxParts} on ${maxDepth} are translated.`,
    );
  }
}

/**
 * The workgroup size of a specialized module's entry point.
 * @throws {ComputeError} `invalid-kernel` if it has none.
 */
export function spirvWorkgroupSize({ instructions }: SpirvModule): readonly [number, number, number] {
  const mode = instructions.find(
    ({ opcode, operands }) => opcode === Op.ExecutionMode && operands[1] === ExecutionMode.LocalSize,
  );
  if (!mode) {
    const entry = instructions.find(({ opcode }) => opcode === Op.EntryPoint)!;
    throw new InstructionRefusal(
      "invalid-kernel",
      entry,
      `gives its entry point, ${nameInstruction(entry)}, no workgroup size; it needs an OpExecutionMode LocalSize.`,
    );
  }
  const [x, y, z] = mode.operands.subarray(2);
  return [x!, y!, z!];
}
