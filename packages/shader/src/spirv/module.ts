/**
 * A SPIR-V module as a list of instructions, with indexes for reflection. Reading checks that the words are whole
 * instructions; `check-operands.ts` checks the instructions.
 */
import { bytesOf } from "@kiln-gpu/core/backend";
import { Refusal } from "../refusal.js";
import { ExecutionModel, Op } from "./words.js";

export interface Instruction {
  readonly opcode: number;
  readonly operands: Uint32Array;
  /** The index of its first word in the module as it was given. */
  readonly at: number;
}

export interface EntryPoint {
  readonly name: string;
  readonly model: number;
  /** The id of its function. */
  readonly id: number;
  readonly instruction: Instruction;
}

export interface SpirvModule {
  readonly version: number;
  /** Every id is less than this. */
  readonly bound: number;
  readonly instructions: readonly Instruction[];
  /** The definition of each id of module scope: types, constants and variables. */
  readonly definitions: ReadonlyMap<number, Instruction>;
  /** Keyed by id, and by `id.member` for a member. */
  readonly names: ReadonlyMap<string, string>;
  /**
   * The first value of each decoration, or 0 if it has none; keyed by `decoration id`, and by `decoration id.member`.
   */
  readonly decorations: ReadonlyMap<string, number>;
  readonly computeEntryPoints: readonly EntryPoint[];
}

const magic = 0x0723_0203;
const swappedMagic = 0x0302_2307;
const headerWords = 5;
const newestMinorVersion = 6;
/** Compute shaders have kilobytes. This bounds the time and memory of a load. */
const maxBytes = 4 * 2 ** 20;
/** The universal limit of the specification. */
const maxBound = 4_194_303;

/**
 * @throws {ComputeError} `invalid-kernel` if the bytes are not whole SPIR-V; `unsupported-shader` for an unknown
 * version.
 */
export function readSpirv(source: Uint8Array | Uint32Array): SpirvModule {
  const words = checkedWords(source);
  return indexSpirv({ version: words[1]!, bound: words[3]!, instructions: readInstructions(words) });
}

export function indexSpirv(module: Pick<SpirvModule, "version" | "bound" | "instructions">): SpirvModule {
  const definitions = new Map<number, Instruction>();
  const names = new Map<string, string>();
  const decorations = new Map<string, number>();
  const computeEntryPoints: EntryPoint[] = [];
  for (const instruction of module.instructions) {
    const { opcode, operands } = instruction;
    const [first = 0, second = 0, third = 0, fourth = 0] = operands;
    if (opcode === Op.Name) names.set(`${first}`, textOf(operands, 1));
    else if (opcode === Op.MemberName) names.set(`${first}.${second}`, textOf(operands, 2));
    else if (opcode === Op.Decorate) decorations.set(`${second} ${first}`, third);
    else if (opcode === Op.MemberDecorate) decorations.set(`${third} ${first}.${second}`, fourth);
    else if (opcode >= Op.TypeVoid && opcode <= Op.TypeFunction) definitions.set(first, instruction);
    else if ((opcode >= Op.ConstantTrue && opcode <= Op.SpecConstantOp) || opcode === Op.Variable) {
      definitions.set(second, instruction);
    } else if (opcode === Op.EntryPoint && first === ExecutionModel.GLCompute) {
      computeEntryPoints.push({ name: textOf(operands, 2), model: first, id: second, instruction });
    }
  }
  return { ...module, definitions, names, decorations, computeEntryPoints };
}

/** The words of a module, as in a file. */
export function encodeSpirv({ version, bound, instructions }: SpirvModule): Uint32Array {
  const words = new Uint32Array(headerWords + instructions.reduce((sum, { operands }) => sum + 1 + operands.length, 0));
  words.set([magic, version, 0, bound, 0]);
  let to = headerWords;
  for (const { opcode, operands } of instructions) {
    words[to] = ((operands.length + 1) << 16) | opcode;
    words.set(operands, to + 1);
    to += 1 + operands.length;
  }
  return words;
}

/** The value of a decoration, 0 if it has no value; `undefined` if there is no such decoration. */
export function decorationOf(
  module: SpirvModule,
  decoration: number,
  target: number,
  member?: number,
): number | undefined {
  return module.decorations.get(`${decoration} ${target}${member === undefined ? "" : `.${member}`}`);
}

/** Whether an instruction puts `decoration` on an id or a member. */
export function decorates({ opcode, operands }: Instruction, decoration: number): boolean {
  if (opcode === Op.Decorate) return operands[1] === decoration;
  return opcode === Op.MemberDecorate && operands[2] === decoration;
}

/** The UTF-8 text that starts at the operand `first` and ends with a zero byte. */
export function textOf(operands: Uint32Array, first: number): string {
  const bytes = bytesOf(operands.subarray(first));
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
}

function checkedWords(source: Uint8Array | Uint32Array): Uint32Array {
  const fail = (problem: string) => new Refusal("invalid-kernel", `is given ${problem}.`);
  if (source.byteLength > maxBytes) {
    throw new Refusal("unsupported-shader", `has ${source.byteLength} bytes of SPIR-V; at most ${maxBytes} are read.`);
  }
  const bytes = bytesOf(source).slice();
  const start = bytes.byteLength < 4 ? 0 : new DataView(bytes.buffer).getUint32(0, true);
  if (start === swappedMagic) {
    throw fail("byte-swapped SPIR-V, its magic number is 0x03022307; the words must be little-endian, 0x07230203");
  }
  if (start !== magic) {
    const shown = bytes.byteLength < 4 ? `${bytes.byteLength} bytes` : `0x${start.toString(16).padStart(8, "0")}`;
    throw fail(`bytes that are not SPIR-V: they begin with ${shown}; the magic number is 0x07230203`);
  }
  if (bytes.byteLength % 4 !== 0) {
    throw fail(
      `${bytes.byteLength} bytes of SPIR-V; the length must be a multiple of 4, since SPIR-V consists of 4-byte words`,
    );
  }
  const words = new Uint32Array(bytes.buffer);
  if (words.length < headerWords)
    throw fail(`truncated SPIR-V: ${words.length} words; its header alone has ${headerWords}`);
  checkVersion(words[1]!, fail);
  if (words[3]! > maxBound) throw fail(`SPIR-V whose ids go up to ${words[3]}; at most ${maxBound} are allowed`);
  return words;
}

function checkVersion(version: number, fail: (problem: string) => Refusal): void {
  const [major, minor] = [(version >>> 16) & 0xff, (version >>> 8) & 0xff];
  if ((version & 0xff00_00ff) !== 0 || major === 0) {
    throw fail(
      `SPIR-V whose version word is 0x${version.toString(16)}; it must be 0x00010000 to 0x00010${newestMinorVersion}00`,
    );
  }
  if (major > 1 || minor > newestMinorVersion) {
    throw new Refusal(
      "unsupported-shader",
      `is SPIR-V ${major}.${minor}; at most 1.${newestMinorVersion} is understood.`,
    );
  }
}

function readInstructions(words: Uint32Array): Instruction[] {
  const instructions: Instruction[] = [];
  for (let at = headerWords; at < words.length; ) {
    const wordCount = words[at]! >>> 16;
    if (wordCount === 0 || at + wordCount > words.length) {
      const problem =
        wordCount === 0
          ? "says that it has no words"
          : `has ${wordCount} words, ${words.length - at} are left: it is truncated`;
      throw new Refusal("invalid-kernel", `is given SPIR-V whose instruction at byte ${at * 4} ${problem}.`);
    }
    instructions.push({ opcode: words[at]! & 0xffff, operands: words.subarray(at + 1, at + wordCount), at });
    at += wordCount;
  }
  return instructions;
}
