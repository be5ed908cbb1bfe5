/**
 * Finds an instruction's place in its source by the debug lines that compilers write: `OpLine`, and `DebugLine` of
 * NonSemantic.Shader.DebugInfo.100. Runs only after a refusal, and does not rely on a valid module.
 */
import type { ComputeErrorCode } from "@kiln-gpu/core";
import { linesOf } from "@kiln-gpu/core/backend";
import { Refusal } from "../refusal.js";
import { nameInstruction } from "./instructions.js";
import { type Instruction, readSpirv, type SpirvModule, textOf } from "./module.js";
import { DebugInfo, Op } from "./words.js";

interface SourcePlace {
  readonly file: string | undefined;
  /** The whole file, if the module holds it. */
  readonly text: string | undefined;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1; 0 if the compiler wrote none. */
  readonly column: number;
}

/** A refusal of one instruction. */
export class InstructionRefusal extends Refusal {
  readonly #instruction: Instruction;

  constructor(code: ComputeErrorCode, instruction: Instruction, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.#instruction = instruction;
  }

  get instruction(): Instruction {
    return this.#instruction;
  }
}

/**
 * `error` with the place that it is about in the source that `spirv` was compiled from, if the module has debug lines.
 */
export function inItsSource(error: unknown, spirv: Uint8Array | Uint32Array): unknown {
  if (!(error instanceof InstructionRefusal)) return error;
  const found = placeOf(readSpirv(spirv), error.instruction);
  if (!found) return error;
  const { line, file } = found;
  const source = found.text === undefined ? "" : (lineOf(found.text, line) ?? "");
  const place = { line, ...columnsIn(source, found.column), source, ...(file !== undefined && { file }) };
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  return new Refusal(error.code, error.message, { place, shown: nameInstruction(error.instruction), ...cause });
}

/** The debug line that applies to `instruction`: the last one before it in its block. */
function placeOf({ instructions, definitions }: SpirvModule, { at }: Instruction): SourcePlace | undefined {
  const strings = new Map<number, string>();
  const texts = new Map<number, string>();
  const debugSources = new Map<number, { readonly file: number; readonly text: number }>();
  const constant = (id: number) => definitions.get(id)?.operands[2] ?? 0;
  let debugSet: number | undefined;
  let lastSource = 0;
  let place:
    | { readonly file: number; readonly text?: string | undefined; readonly line: number; readonly column: number }
    | undefined;
  for (const { opcode, operands, at: here } of instructions) {
    if (here >= at) break;
    const [first = 0, second = 0, third = 0] = operands;
    switch (opcode) {
      case Op.String:
        strings.set(first, textOf(operands, 1));
        break;
      case Op.Source:
        lastSource = third;
        if (operands.length > 3) texts.set(third, textOf(operands, 3));
        break;
      case Op.SourceContinued:
        texts.set(lastSource, (texts.get(lastSource) ?? "") + textOf(operands, 0));
        break;
      case Op.ExtInstImport:
        if (textOf(operands, 1) === DebugInfo.set) debugSet = first;
        break;
      case Op.Line:
        place = { file: first, text: texts.get(first), line: second, column: third };
        break;
      case Op.ExtInst: {
        if (third !== debugSet) break;
        const [, , , instruction, source = 0, begin = 0, , column = 0] = operands;
        if (instruction === DebugInfo.Source) {
          debugSources.set(second, { file: source, text: begin });
          lastSource = begin;
        } else if (instruction === DebugInfo.SourceContinued) {
          strings.set(lastSource, (strings.get(lastSource) ?? "") + (strings.get(source) ?? ""));
        } else if (instruction === DebugInfo.Line) {
          const { file = 0, text = 0 } = debugSources.get(source) ?? {};
          place = { file, text: strings.get(text), line: constant(begin), column: constant(column) };
        } else if (instruction === DebugInfo.NoLine) place = undefined;
        break;
      }
      default:
        if (opcode === Op.NoLine || (opcode >= Op.Branch && opcode <= Op.Unreachable)) place = undefined;
    }
  }
  // Compilers write line 0 for instructions of their own.
  return place && place.line > 0
    ? { ...place, text: place.text, file: strings.get(place.file) || undefined }
    : undefined;
}

/** glslang puts this before the text, and counts lines from the end of it. */
const preamble = /^(?:\/\/ OpModuleProcessed [^\n]*\n)+#line 1\n/u;
const lineDirective = /^[ \t]*#[ \t]*line\b/mu;

/** The line of that number; `undefined` if the text numbers its lines itself. */
function lineOf(text: string, line: number): string | undefined {
  const written = text.replace(preamble, "");
  return lineDirective.test(written) ? undefined : linesOf(written)[line - 1];
}

/** The whole line if the column is unknown, or if non-ASCII text makes its unit ambiguous. */
function columnsIn(source: string, column: number): { readonly column: number; readonly length: number } {
  if (source === "") return { column, length: 0 };
  if (column === 0 || column > source.length || /[^\0-\x7f]/u.test(source.slice(0, column))) {
    return { column: source.length - source.trimStart().length + 1, length: source.trim().length };
  }
  return { column, length: 1 };
}
