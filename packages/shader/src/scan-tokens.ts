import { ComputeError } from "@kiln-gpu/core";

/** A piece of WGSL that is not blank space and not a comment; operators come as single characters. */
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

/** @throws {ComputeError} `shader-compilation` when a comment does not end. */
export function scanTokens(source: string, subject: string): Token[] {
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
      at = endOfBlockComment(source, at, subject);
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

/** The line, counted from 1, that `offset` is on. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split(/\r\n|[\n\v\f\r\u0085\u2028\u2029]/u).length;
}

export function syntaxError(subject: string, source: string, offset: number, problem: string): ComputeError {
  return new ComputeError(
    "shader-compilation",
    `${subject} does not parse: line ${lineAt(source, offset)} ${problem}.`,
  );
}

function endOfBlockComment(source: string, start: number, subject: string): number {
  const edge = /\/\*|\*\//gu;
  edge.lastIndex = start;
  let depth = 0;
  for (let found = edge.exec(source); found; found = edge.exec(source)) {
    depth += found[0] === "/*" ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  throw syntaxError(subject, source, start, "begins a comment that does not end");
}
