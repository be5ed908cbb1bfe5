import type { ComputeErrorCode } from "@kiln-gpu/core";
import { diagnosticAt } from "@kiln-gpu/core/backend";
import { Refusal } from "../refusal.js";

/** A piece of WGSL, without blank space and comments. Operators are single characters. */
export interface Token {
  readonly kind: "name" | "number" | "symbol";
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const blank = /[\s\u0085\u200e\u200f]+/uy;
const lineComment = /\/\/[^\n\v\f\r\u0085\u2028\u2029]*/uy;
const name = /[_\p{XID_Start}]\p{XID_Continue}*/uy;
const number =
  /0[xX](?:[\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]+)(?:[pP][+-]?\d+[fh]?)?[iu]?|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?[iufh]?/uy;

/** A token takes about a hundred bytes of memory, and each character may be a token. */
const maxLength = 2 ** 22;

/**
 * @throws {ComputeError} `unsupported-shader` if the text is too long; `shader-compilation` if a comment does not end.
 */
export function scanTokens(source: string): Token[] {
  if (source.length > maxLength) {
    throw new Refusal("unsupported-shader", `has ${source.length} characters; at most ${maxLength} are read.`);
  }
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  while (at < source.length) {
    const skipped = match(blank) ?? match(lineComment);
    if (skipped !== undefined) {
      at += skipped.length;
      continue;
    }
    if (source.startsWith("/*", at)) {
      at = endOfBlockComment(source, at);
      continue;
    }
    const named = match(name);
    const numeric = named === undefined ? match(number) : undefined;
    const text = named ?? numeric ?? String.fromCodePoint(source.codePointAt(at)!);
    const kind = named !== undefined ? "name" : numeric !== undefined ? "number" : "symbol";
    tokens.push({ kind, text, start: at, end: at + text.length });
    at += text.length;
  }
  return tokens;
}

/** A refusal of text that is no WGSL. @param token What the problem is about; `undefined` is the end of the text. */
export function syntaxError(source: string, token: Pick<Token, "start" | "end"> | undefined, problem: string): Refusal {
  const { start, end } = token ?? { start: source.length, end: source.length };
  const place = diagnosticAt(source, start, end - start, problem);
  return new Refusal("shader-compilation", "does not parse:", { place, shown: problem, problem });
}

/** A refusal whose message stands by itself; its place is in `diagnostics` alone, for tools that show the source. */
export function errorAt(
  code: ComputeErrorCode,
  source: string,
  { start, end }: Pick<Token, "start" | "end">,
  message: string,
): Refusal {
  return new Refusal(code, message, { place: diagnosticAt(source, start, end - start, message) });
}

function endOfBlockComment(source: string, start: number): number {
  const edge = /\/\*|\*\//gu;
  edge.lastIndex = start;
  let depth = 0;
  for (let found = edge.exec(source); found; found = edge.exec(source)) {
    depth += found[0] === "/*" ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  throw syntaxError(source, { start, end: start + 2 }, "this comment does not end");
}
