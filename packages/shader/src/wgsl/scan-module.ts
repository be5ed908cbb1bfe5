/**
 * The declarations of a WGSL module, as far as reflection and splitting need them: names, attributes, parameters, and
 * types as tokens. It does not parse WGSL: function bodies stay tokens, and the device decides whether they are valid.
 */
import { linesOf } from "@kiln-gpu/core/backend";
import { scanTokens, syntaxError, type Token } from "./scan-tokens.js";
import { opensTemplate } from "./template-arguments.js";

export interface Attribute {
  readonly name: string;
  readonly arguments: readonly (readonly Token[])[];
  readonly start: number;
  readonly end: number;
}

/** A parameter of a function or a member of a struct. */
export interface Field {
  readonly name: Token;
  readonly attributes: readonly Attribute[];
  readonly type: readonly Token[];
}

interface Named {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  /** The whole declaration with its attributes. */
  readonly tokens: readonly Token[];
}

export interface FunctionDeclaration extends Named {
  readonly kind: "function";
  readonly parameters: readonly Field[];
  readonly returnType: readonly Token[];
  /** The tokens between the braces. */
  readonly body: readonly Token[];
  readonly bodyStart: number;
}

export interface StructDeclaration extends Named {
  readonly kind: "struct";
  readonly members: readonly Field[];
}

/** An alias has only a type; a constant or variable may have no type or no initializer. */
export interface ValueDeclaration extends Named {
  readonly kind: "alias" | "const" | "override" | "variable";
  /** The address space and the access, from the angle brackets after `var`. */
  readonly template: readonly string[];
  readonly type: readonly Token[];
  readonly initializer: readonly Token[];
}

export type Declaration = FunctionDeclaration | StructDeclaration | ValueDeclaration;

export interface WgslModule {
  readonly source: string;
  readonly tokens: readonly Token[];
  readonly declarations: ReadonlyMap<string, Declaration>;
}

export function valuesOf(declarations: Iterable<Declaration>, kind: ValueDeclaration["kind"]): ValueDeclaration[] {
  return [...declarations].filter((declaration): declaration is ValueDeclaration => declaration.kind === kind);
}

/** The keywords that begin a declaration. Outside functions they occur nowhere else. */
const beginnings: ReadonlySet<string> = new Set(["fn", "struct", "var", "const", "override", "alias"]);

/** @throws {ComputeError} `shader-compilation` if the text is not a sequence of WGSL declarations. */
export function scanModule(source: string): WgslModule {
  const tokens = scanTokens(source);
  const reader = new Reader(source, tokens);
  const declarations = new Map<string, Declaration>();
  while (!reader.atEnd) {
    const declaration = readDeclaration(reader);
    if (!declaration) continue;
    if (declarations.has(declaration.name)) {
      const again = declaration.tokens.find(({ text }) => text === declaration.name);
      throw syntaxError(source, again, `"${declaration.name}" is declared a second time`);
    }
    declarations.set(declaration.name, declaration);
  }
  return { source, tokens, declarations };
}

function readDeclaration(reader: Reader): Declaration | undefined {
  const first = reader.at;
  if (reader.skip(";")) return undefined;
  const attributes = reader.attributes();
  const keyword = reader.name();
  switch (keyword.text) {
    case "enable":
    case "requires":
    case "diagnostic":
    case "const_assert":
      reader.until(";");
      reader.expect(";");
      return undefined;
    case "fn": {
      const name = reader.name().text;
      const parameters = reader.fields("(", ")");
      const returnType = reader.until("{");
      const bodyStart = reader.expect("{").end;
      const body = reader.block(bodyStart);
      return {
        kind: "function",
        name,
        attributes,
        parameters,
        returnType,
        body,
        bodyStart,
        tokens: reader.since(first),
      };
    }
    case "struct": {
      const name = reader.name().text;
      const members = reader.fields("{", "}");
      return { kind: "struct", name, attributes, members, tokens: reader.since(first) };
    }
    case "alias":
    case "const":
    case "override":
    case "var": {
      const template = keyword.text === "var" ? reader.template() : [];
      const name = reader.name().text;
      const type = keyword.text !== "alias" && reader.skip(":") ? reader.until("=", ";") : [];
      const rest = reader.skip("=") ? reader.until(";") : [];
      reader.expect(";");
      const kind = keyword.text === "var" ? "variable" : keyword.text;
      const value = kind === "alias" ? { type: rest, initializer: [] } : { type, initializer: rest };
      return { kind, name, attributes, template, ...value, tokens: reader.since(first) };
    }
    default:
      throw reader.unexpected(keyword, "a declaration");
  }
}

class Reader {
  at = 0;
  readonly #source: string;
  readonly #tokens: readonly Token[];

  constructor(source: string, tokens: readonly Token[]) {
    this.#source = source;
    this.#tokens = tokens;
  }

  get atEnd(): boolean {
    return this.at >= this.#tokens.length;
  }

  since(first: number): readonly Token[] {
    return this.#tokens.slice(first, this.at);
  }

  skip(text: string): boolean {
    if (this.#tokens[this.at]?.text !== text) return false;
    this.at += 1;
    return true;
  }

  expect(text: string): Token {
    const token = this.#tokens[this.at];
    if (token?.text !== text) throw this.unexpected(token, `"${text}"`);
    this.at += 1;
    return token;
  }

  name(): Token {
    const token = this.#tokens[this.at];
    if (token?.kind !== "name") throw this.unexpected(token, "a name");
    this.at += 1;
    return token;
  }

  unexpected(token: Token | undefined, expected: string): Error {
    const given = token ? `"${token.text}" stands` : "the text ends";
    return syntaxError(this.#source, token, `${given} where ${expected} is expected`);
  }

  attributes(): Attribute[] {
    const attributes: Attribute[] = [];
    while (this.#tokens[this.at]?.text === "@") {
      const { start } = this.expect("@");
      const { text, end } = this.name();
      const list: (readonly Token[])[] = [];
      if (this.skip("(")) {
        while (this.#tokens[this.at]?.text !== ")") {
          list.push(this.until(",", ")"));
          if (!this.skip(",")) break;
        }
        attributes.push({ name: text, arguments: list, start, end: this.expect(")").end });
      } else {
        attributes.push({ name: text, arguments: list, start, end });
      }
    }
    return attributes;
  }

  fields(open: string, close: string): Field[] {
    const fields: Field[] = [];
    this.expect(open);
    while (!this.skip(close)) {
      const attributes = this.attributes();
      const name = this.name();
      this.expect(":");
      fields.push({ name, attributes, type: this.until(",", close) });
      if (!this.skip(",")) {
        this.expect(close);
        break;
      }
    }
    return fields;
  }

  template(): string[] {
    if (!this.skip("<")) return [];
    const list: string[] = [];
    while (!this.skip(">")) {
      list.push(this.name().text);
      this.skip(",");
    }
    return list;
  }

  /** The tokens before the first of `ends` outside brackets. */
  until(...ends: string[]): Token[] {
    const first = this.at;
    const open: string[] = [];
    for (; this.at < this.#tokens.length; this.at += 1) {
      const { text, kind } = this.#tokens[this.at]!;
      if (kind === "name" && beginnings.has(text)) break;
      if (kind !== "symbol") continue;
      // Within a declaration, attributes may precede only the type of a result.
      if (text === "@" && !ends.includes("{")) break;
      if (open.length === 0 && ends.includes(text)) return this.#tokens.slice(first, this.at);
      if (text === "(" || text === "[") open.push(text);
      else if (text === "<" && opensTemplate(this.#tokens, this.at)) open.push(text);
      else if (text === ">" && open.at(-1) === "<") open.pop();
      else if (text === ")" || text === "]") {
        // A `<` that looked like a template was a comparison.
        while (open.at(-1) === "<") open.pop();
        if (open.pop() === undefined) break;
      } else if (text === ";" || text === "{" || text === "}") {
        if (!ends.includes(text) || open.some((bracket) => bracket !== "<")) break;
        return this.#tokens.slice(first, this.at);
      }
    }
    throw this.unexpected(this.#tokens[this.at], ends.map((end) => `"${end}"`).join(" or "));
  }

  /** The tokens before the brace that closes the brace just read. */
  block(start: number): Token[] {
    const first = this.at;
    for (let depth = 1; this.at < this.#tokens.length; this.at += 1) {
      const { text } = this.#tokens[this.at]!;
      if (text === "{") depth += 1;
      else if (text === "}" && --depth === 0) {
        this.at += 1;
        return this.#tokens.slice(first, this.at - 1);
      }
    }
    const line = linesOf(this.#source.slice(0, start)).length;
    throw this.unexpected(undefined, `the "}" of line ${line}`);
  }
}
