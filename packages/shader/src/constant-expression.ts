import type { Token } from "./scan-tokens.js";

/** A value at shader creation; `int` and `float` are WGSL's abstract types, which become any concrete one. */
export interface ConstantValue {
  readonly type: "int" | "float" | "i32" | "u32" | "f32" | "f16" | "bool";
  readonly value: number;
}

export interface ConstantScope {
  valueOf(name: string): ConstantValue | undefined;
  /** Whether the module gives `name` a meaning of its own, as a user's `fn min`. */
  declares(name: string): boolean;
}

const precedence: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<=", ">=", "<", ">"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];
const operators = precedence.flat().sort((a, b) => b.length - a.length);
const maxDepth = 100;

/** Thrown and caught here: the expression is beyond this evaluator, and nothing is guessed. */
class Unknown extends Error {}

/** The value of a WGSL constant expression; `undefined` for what is not evaluated here, and for what overflows its type. */
export function evaluate(tokens: readonly Token[], scope: ConstantScope): ConstantValue | undefined {
  const expression = new Expression(tokens, scope);
  try {
    return expression.whole();
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}

/** `value` as a value of `type`, where WGSL converts it without being asked to. */
export function convert(value: ConstantValue | undefined, type: ConstantValue["type"]): ConstantValue | undefined {
  if (!value || value.type === type) return value;
  if (value.type === "int" || (value.type === "float" && (type === "f32" || type === "f16"))) {
    return type === "bool" ? undefined : inRange({ type, value: value.value });
  }
  return undefined;
}

class Expression {
  readonly #tokens: readonly Token[];
  readonly #scope: ConstantScope;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], scope: ConstantScope) {
    this.#tokens = tokens;
    this.#scope = scope;
  }

  whole(): ConstantValue {
    const value = this.#binary(0);
    if (this.#at < this.#tokens.length) throw new Unknown();
    return value;
  }

  #binary(level: number): ConstantValue {
    if (level === precedence.length) return this.#unary();
    let left = this.#binary(level + 1);
    for (let operator = this.#operator(); precedence[level]!.includes(operator); operator = this.#operator()) {
      this.#at += operator.length;
      left = apply(operator, left, this.#binary(level + 1));
    }
    return left;
  }

  /** The operator that begins here: tokens are single characters, so `<<` is two that touch. */
  #operator(): string {
    let text = "";
    for (let i = this.#at; i < this.#at + 2; i += 1) {
      const token = this.#tokens[i];
      if (token?.kind !== "symbol" || (text !== "" && token.start !== this.#tokens[i - 1]!.end)) break;
      text += token.text;
    }
    return operators.find((operator) => text.startsWith(operator)) ?? "";
  }

  #unary(): ConstantValue {
    const token = this.#tokens[this.#at];
    if (!token || this.#depth > maxDepth) throw new Unknown();
    this.#at += 1;
    this.#depth += 1;
    try {
      if (token.kind === "number") return literal(token.text);
      if (token.kind === "name") return this.#named(token.text);
      if (token.text === "(") {
        const value = this.#binary(0);
        this.#expect(")");
        return value;
      }
      const { type, value } = this.#unary();
      if (token.text === "-" && type !== "bool" && type !== "u32") return checked({ type, value: -value });
      if (token.text === "!" && type === "bool") return { type, value: value === 0 ? 1 : 0 };
      throw new Unknown();
    } finally {
      this.#depth -= 1;
    }
  }

  #named(name: string): ConstantValue {
    if (name === "true" || name === "false") return { type: "bool", value: name === "true" ? 1 : 0 };
    if (this.#tokens[this.#at]?.text !== "(") {
      const value = this.#scope.valueOf(name);
      if (!value) throw new Unknown();
      return value;
    }
    if (this.#scope.declares(name)) throw new Unknown();
    this.#at += 1;
    const list: ConstantValue[] = [];
    while (this.#tokens[this.#at]?.text !== ")") {
      list.push(this.#binary(0));
      if (this.#tokens[this.#at]?.text !== ",") break;
      this.#at += 1;
    }
    this.#expect(")");
    return call(name, list);
  }

  #expect(text: string): void {
    if (this.#tokens[this.#at]?.text !== text) throw new Unknown();
    this.#at += 1;
  }
}

function literal(text: string): ConstantValue {
  const isHex = /^0x/iu.test(text);
  const isFloat = isHex ? /[.p]/iu.test(text) : /[.efh]/iu.test(text);
  if (isHex && isFloat) throw new Unknown();
  const suffix = /[iu]$/u.exec(text)?.[0] ?? (isFloat ? /[fh]$/u.exec(text)?.[0] : undefined);
  const value = Number(suffix ? text.slice(0, -1) : text);
  const type =
    suffix === "i" ? "i32" : suffix === "u" ? "u32" : suffix === "f" ? "f32" : suffix === "h" ? "f16" : undefined;
  return checked({ type: type ?? (isFloat ? "float" : "int"), value });
}

function call(name: string, list: readonly ConstantValue[]): ConstantValue {
  const [first, second] = list;
  if ((name === "min" || name === "max") && list.length === 2) {
    const [a, b] = unified(first!, second!);
    if (a.type === "bool") throw new Unknown();
    return { type: a.type, value: name === "min" ? Math.min(a.value, b.value) : Math.max(a.value, b.value) };
  }
  if ((name === "u32" || name === "i32" || name === "f32") && list.length === 1) {
    const isWhole = name !== "f32" && (first!.type === "float" || first!.type === "f32" || first!.type === "f16");
    return checked({ type: name, value: isWhole ? Math.trunc(first!.value) : first!.value });
  }
  throw new Unknown();
}

function apply(operator: string, left: ConstantValue, right: ConstantValue): ConstantValue {
  if (operator === "<<" || operator === ">>") {
    if (!isInteger(left) || !isInteger(right) || left.value < 0 || right.value < 0 || right.value > 31)
      throw new Unknown();
    const factor = 2 ** right.value;
    return checked({
      type: left.type,
      value: operator === "<<" ? left.value * factor : Math.floor(left.value / factor),
    });
  }
  const [{ type, value: a }, { value: b }] = unified(left, right);
  const truth = (value: boolean): ConstantValue => ({ type: "bool", value: value ? 1 : 0 });
  switch (operator) {
    case "==":
      return truth(a === b);
    case "!=":
      return truth(a !== b);
  }
  if (type === "bool") {
    if (operator === "&&" || operator === "&") return truth(a === 1 && b === 1);
    if (operator === "||" || operator === "|") return truth(a === 1 || b === 1);
    throw new Unknown();
  }
  switch (operator) {
    case "<":
      return truth(a < b);
    case "<=":
      return truth(a <= b);
    case ">":
      return truth(a > b);
    case ">=":
      return truth(a >= b);
    case "+":
      return checked({ type, value: a + b });
    case "-":
      return checked({ type, value: a - b });
    case "*":
      return checked({ type, value: a * b });
    case "/":
      return checked({ type, value: isInteger({ type }) ? Math.trunc(a / b) : a / b });
    case "%":
      return checked({ type, value: a % b });
  }
  // JavaScript's bitwise operators are 32-bit and signed.
  if (!isInteger({ type }) || a < 0 || b < 0 || a >= 2 ** 32 || b >= 2 ** 32) throw new Unknown();
  const bits = operator === "&" ? a & b : operator === "|" ? a | b : operator === "^" ? a ^ b : undefined;
  if (bits === undefined) throw new Unknown();
  return checked({ type, value: bits >>> 0 });
}

function isInteger({ type }: Pick<ConstantValue, "type">): boolean {
  return type === "int" || type === "i32" || type === "u32";
}

function unified(a: ConstantValue, b: ConstantValue): readonly [ConstantValue, ConstantValue] {
  const asB = convert(a, b.type);
  if (asB) return [asB, b];
  const asA = convert(b, a.type);
  if (!asA) throw new Unknown();
  return [a, asA];
}

function checked(value: ConstantValue): ConstantValue {
  const result = inRange(value);
  if (!result) throw new Unknown();
  return result;
}

function inRange({ type, value }: ConstantValue): ConstantValue | undefined {
  if (!Number.isFinite(value)) return undefined;
  switch (type) {
    case "int":
      return Number.isSafeInteger(value) ? { type, value: value + 0 } : undefined;
    case "i32":
      return Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31 ? { type, value } : undefined;
    case "u32":
      return Number.isInteger(value) && value >= 0 && value < 2 ** 32 ? { type, value } : undefined;
    case "f32":
      return Number.isFinite(Math.fround(value)) ? { type, value: Math.fround(value) } : undefined;
    case "f16":
      return Math.abs(value) <= 65504 ? { type, value } : undefined;
    default:
      return { type, value };
  }
}
