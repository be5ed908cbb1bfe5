/// <reference path="./wgsl-reflect.d.ts" />
/**
 * The types that a module declares, read by wgsl_reflect. It is given only the declarations that a kernel's bindings need, with
 * every constant expression replaced by its value: it throws on valid statements and directives that it does not know, and takes
 * some expressions for 1. Sizes and offsets are computed in `type-layout.ts`, not taken from it.
 */
import { ComputeError } from "@kiln-gpu/core";
import type { ReflectedType } from "wgsl_reflect/wgsl_reflect.module.js";
import { type ConstantScope, evaluate } from "./constant-expression.js";
import type { Declaration, WgslModule } from "./scan-module.js";
import type { Token } from "./scan-tokens.js";

export interface DeclaredType {
  readonly name: string;
  readonly element?: DeclaredType;
  /** Elements of an array; 0 where its binding decides. */
  readonly count: number;
}

export interface DeclaredMember {
  readonly name: string;
  readonly type: DeclaredType;
  readonly align?: number;
  readonly size?: number;
}

export interface DeclaredTypes {
  readonly variables: ReadonlyMap<string, DeclaredType>;
  readonly aliases: ReadonlyMap<string, DeclaredType>;
  readonly structs: ReadonlyMap<string, readonly DeclaredMember[]>;
}

/** @throws {ComputeError} `unsupported-shader` for an expression that is not evaluated here; `shader-compilation`. */
export async function reflectTypes(
  module: WgslModule,
  declarations: Iterable<Declaration>,
  scope: ConstantScope,
  subject: string,
): Promise<DeclaredTypes> {
  const text = plainText(module, declarations, scope, subject);
  const { WgslReflect } = await import("wgsl_reflect/wgsl_reflect.module.js");
  try {
    const { uniforms, storage, aliases, structs } = new WgslReflect(text);
    return {
      variables: new Map([...uniforms, ...storage].map(({ name, type }) => [name, declaredType(type)])),
      aliases: new Map(aliases.map(({ name, type }) => [name, declaredType(type)])),
      structs: new Map(structs.map(({ name, members }) => [name, (members ?? []).map(declaredMember)])),
    };
  } catch (cause) {
    // It throws strings, too.
    const report = cause instanceof Error ? cause.message : String(cause);
    const line = /line: (\d+)/iu.exec(report)?.[1];
    const place = line === undefined ? "" : ` on line ${line}`;
    const problem = report.replace(/[.\s]*line: \d+\.?$/iu, "");
    throw new ComputeError(
      "shader-compilation",
      `${subject} has a declaration that does not parse${place}: ${problem}.`,
      { cause },
    );
  }
}

function declaredType({ name, format, count }: ReflectedType): DeclaredType {
  return { name, count: count ?? 0, ...(format && { element: declaredType(format) }) };
}

function declaredMember(member: NonNullable<ReflectedType["members"]>[number]): DeclaredMember {
  const numberOf = (name: "align" | "size") => {
    const value = member.attributes?.find((attribute) => attribute.name === name)?.value;
    return value === null || value === undefined ? {} : { [name]: Number(value) };
  };
  return { name: member.name, type: declaredType(member.type), ...numberOf("align"), ...numberOf("size") };
}

const numericAttributes = new Set(["group", "binding", "align", "size", "location", "id"]);

/** The declarations with every line where it was, no comments, and numbers for constant expressions. */
function plainText(
  module: WgslModule,
  declarations: Iterable<Declaration>,
  scope: ConstantScope,
  subject: string,
): string {
  const { source } = module;
  let text = "";
  let at = 0;
  const write = (token: Pick<Token, "text" | "start" | "end">) => {
    const lines = source.slice(at, token.start).replace(/[^\n]/gu, "");
    text += `${lines || " "}${token.text}`;
    at = token.end;
  };
  const inOrder = [...declarations].sort((a, b) => a.tokens[0]!.start - b.tokens[0]!.start);
  for (const { tokens } of inOrder) {
    for (let i = 0; i < tokens.length; i += 1) {
      write(tokens[i]!);
      const expression = expressionAfter(tokens, i);
      if (!expression) continue;
      const { first, end } = expression;
      const part = tokens.slice(first, end);
      const value = evaluate(part, scope);
      if (!value || value.value < 0 || !Number.isInteger(value.value)) {
        const shown = source.slice(part[0]!.start, part.at(-1)!.end);
        throw new ComputeError(
          "unsupported-shader",
          `${subject} has \`${shown}\` where a count is needed, which is not evaluated before the device sees it; write its value.`,
        );
      }
      for (i += 1; i < first; i += 1) write(tokens[i]!);
      write({ text: String(value.value), start: part[0]!.start, end: part.at(-1)!.end });
      i = end - 1;
    }
  }
  return text;
}

/** Where the argument of an attribute, or the count of an array whose element type ends at `i`, stands. */
function expressionAfter(tokens: readonly Token[], i: number): { first: number; end: number } | undefined {
  if (tokens[i - 1]?.text === "@" && numericAttributes.has(tokens[i]!.text) && tokens[i + 1]?.text === "(") {
    return bounded(tokens, i + 2);
  }
  if (tokens[i + 1]?.text !== "," || !isArrayElementEnd(tokens, i)) return undefined;
  return bounded(tokens, i + 2);
}

function isArrayElementEnd(tokens: readonly Token[], i: number): boolean {
  let depth = 0;
  for (let at = i; at > 0; at -= 1) {
    const { text } = tokens[at]!;
    if (text === ">" || text === ")") depth += 1;
    else if ((text === "<" || text === "(") && --depth < 0) return text === "<" && tokens[at - 1]!.text === "array";
    else if (depth === 0 && (text === "," || text === ":" || text === "=" || text === ";" || text === "{"))
      return false;
  }
  return false;
}

/** The expression from `first` to the `,`, `)` or `>` that ends it. */
function bounded(tokens: readonly Token[], first: number): { first: number; end: number } | undefined {
  let depth = 0;
  for (let end = first; end < tokens.length; end += 1) {
    const { text } = tokens[end]!;
    if (depth === 0 && (text === "," || text === ")" || text === ">")) return end > first ? { first, end } : undefined;
    if (text === "(") depth += 1;
    else if (text === ")") depth -= 1;
  }
  return undefined;
}
