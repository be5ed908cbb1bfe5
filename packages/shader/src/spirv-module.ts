/**
 * A SPIR-V module as far as reflection needs it. Not a validator: it holds that the words are whole instructions, so that a
 * translator is never given a torn module; what they mean it takes as it stands.
 */
import { ComputeError } from "@kiln-gpu/core";
import { BuiltIn, Decoration, ExecutionMode, ExecutionModel, Op } from "./spirv-words.js";

export interface Instruction {
  readonly opcode: number;
  readonly operands: Uint32Array;
  /** Where its first word stands. */
  readonly at: number;
}

interface DecorationOf {
  readonly target: number;
  /** Absent where the whole target is decorated. */
  readonly member?: number;
  readonly decoration: number;
  readonly value: number;
}

export interface ComputeEntryPoint {
  readonly name: string;
  readonly localSize: readonly [number, number, number] | undefined;
}

export interface SpirvModule {
  readonly words: Uint32Array;
  readonly instructions: readonly Instruction[];
  /** What defines each id: types, constants and module-scope variables. */
  readonly definitions: ReadonlyMap<number, Instruction>;
  /** Keyed by id, and by `id.member` for a member. */
  readonly names: ReadonlyMap<string, string>;
  readonly decorations: readonly DecorationOf[];
  readonly computeEntryPoints: readonly ComputeEntryPoint[];
}

const magic = 0x0723_0203;
const swappedMagic = 0x0302_2307;
const headerWords = 5;
const newestMinorVersion = 6;

/** @throws {ComputeError} `invalid-kernel` when the bytes are not whole SPIR-V; `unsupported-shader` for a version not yet known. */
export function readSpirv(source: Uint8Array | Uint32Array, subject: string): SpirvModule {
  const words = checkedWords(source, subject);
  const instructions = readInstructions(words, subject);
  const definitions = new Map<number, Instruction>();
  const names = new Map<string, string>();
  const decorations: DecorationOf[] = [];
  for (const instruction of instructions) {
    const { opcode, operands } = instruction;
    const [first = 0, second = 0, third = 0, fourth = 0] = operands;
    if (opcode === Op.Name) names.set(`${first}`, text(operands, 1));
    else if (opcode === Op.MemberName) names.set(`${first}.${second}`, text(operands, 2));
    else if (opcode === Op.Decorate) decorations.push({ target: first, decoration: second, value: third });
    else if (opcode === Op.MemberDecorate) {
      decorations.push({ target: first, member: second, decoration: third, value: fourth });
    } else if (opcode >= Op.TypeVoid && opcode <= Op.TypeFunction) definitions.set(first, instruction);
    else if ((opcode >= Op.ConstantTrue && opcode <= Op.SpecConstantOp) || opcode === Op.Variable) {
      definitions.set(second, instruction);
    }
  }
  const computeEntryPoints = instructions
    .filter(({ opcode, operands }) => opcode === Op.EntryPoint && operands[0] === ExecutionModel.GLCompute)
    .map(({ operands }): ComputeEntryPoint => {
      const mode = instructions.find(
        (other) =>
          other.opcode === Op.ExecutionMode &&
          other.operands[0] === operands[1] &&
          other.operands[1] === ExecutionMode.LocalSize &&
          other.operands.length >= 5,
      );
      const localSize = mode && ([mode.operands[2]!, mode.operands[3]!, mode.operands[4]!] as const);
      return { name: text(operands, 2), localSize };
    });
  checkFunctions(instructions, subject);
  return { words, instructions, definitions, names, decorations, computeEntryPoints };
}

/** The value of a decoration, 0 for one that has none; `undefined` where there is none. */
export function decorationOf(
  module: SpirvModule,
  decoration: number,
  target: number,
  member?: number,
): number | undefined {
  return module.decorations.find(
    (found) => found.decoration === decoration && found.target === target && found.member === member,
  )?.value;
}

/** The constant that freezes the workgroup size for the whole module, over what the entry points' LocalSize says. */
export function workgroupSizeConstant(module: SpirvModule): Instruction | undefined {
  const frozen = module.decorations.find(
    ({ decoration, value }) => decoration === Decoration.BuiltIn && value === BuiltIn.WorkgroupSize,
  );
  return frozen && module.definitions.get(frozen.target);
}

function checkedWords(source: Uint8Array | Uint32Array, subject: string): Uint32Array {
  const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  const start = bytes.byteLength < 4 ? 0 : new DataView(bytes.buffer).getUint32(0, true);
  const fail = (problem: string) => new ComputeError("invalid-kernel", `${subject} is given ${problem}.`);
  if (start === swappedMagic) {
    throw fail("byte-swapped SPIR-V, its magic number is 0x03022307; expected are little-endian words, 0x07230203");
  }
  if (start !== magic) {
    const shown = bytes.byteLength < 4 ? `${bytes.byteLength} bytes` : `0x${start.toString(16).padStart(8, "0")}`;
    throw fail(`bytes that are not SPIR-V: they begin with ${shown}; expected is the magic number 0x07230203`);
  }
  if (bytes.byteLength % 4 !== 0) {
    throw fail(`${bytes.byteLength} bytes of SPIR-V; expected is a multiple of 4, since it is made of 4-byte words`);
  }
  const words = new Uint32Array(bytes.buffer);
  if (words.length < headerWords)
    throw fail(`truncated SPIR-V: ${words.length} words; its header alone has ${headerWords}`);
  const version = words[1]!;
  const [major, minor] = [(version >>> 16) & 0xff, (version >>> 8) & 0xff];
  if ((version & 0xff00_00ff) !== 0 || major === 0) {
    throw fail(
      `SPIR-V whose version word is 0x${version.toString(16)}; expected is 0x00010000 to 0x00010${newestMinorVersion}00`,
    );
  }
  if (major > 1 || minor > newestMinorVersion) {
    throw new ComputeError(
      "unsupported-shader",
      `${subject} is SPIR-V ${major}.${minor}; at most 1.${newestMinorVersion} is understood.`,
    );
  }
  return words;
}

function readInstructions(words: Uint32Array, subject: string): Instruction[] {
  const instructions: Instruction[] = [];
  for (let at = headerWords; at < words.length; ) {
    const wordCount = words[at]! >>> 16;
    if (wordCount === 0 || at + wordCount > words.length) {
      const problem =
        wordCount === 0
          ? "says that it has no words"
          : `has ${wordCount} words, ${words.length - at} are left: it is truncated`;
      throw new ComputeError(
        "invalid-kernel",
        `${subject} is given SPIR-V whose instruction at byte ${at * 4} ${problem}.`,
      );
    }
    instructions.push({ opcode: words[at]! & 0xffff, operands: words.subarray(at + 1, at + wordCount), at });
    at += wordCount;
  }
  return instructions;
}

/** Cut off between two instructions, a module is whole instructions and yet no module. */
function checkFunctions(instructions: readonly Instruction[], subject: string): void {
  const fail = (problem: string) =>
    new ComputeError("invalid-kernel", `${subject} is given truncated SPIR-V: ${problem}.`);
  const functions = new Set<number>();
  let isOpen = false;
  for (const { opcode, operands } of instructions) {
    if (opcode === Op.Function) functions.add(operands[1]!);
    if (opcode === Op.Function || opcode === Op.FunctionEnd) isOpen = opcode === Op.Function;
  }
  if (isOpen) throw fail("it ends inside a function");
  for (const { opcode, operands } of instructions) {
    if (opcode === Op.EntryPoint && !functions.has(operands[1]!)) {
      throw fail(`its entry point "${text(operands, 2)}" has no function`);
    }
  }
}

/** UTF-8 up to its zero byte, from the operand at `first` on. */
function text(operands: Uint32Array, first: number): string {
  const rest = operands.subarray(first);
  const bytes = new Uint8Array(rest.buffer, rest.byteOffset, rest.byteLength);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
}
