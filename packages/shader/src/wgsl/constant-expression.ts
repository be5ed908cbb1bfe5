import { applyBinary, applyUnary, callFunction, constantTypeOf, construct, precedence } from "./constant-operations.js";
import {
  type Constant,
  type ConstantType,
  type ConstantValue,
  checked,
  isInteger,
  isVector,
  Unknown,
} from "./constant-value.js";
import type { Token } from "./scan-tokens.js";

export interface ConstantScope {
  valueOf(name: string): Constant | undefined;
  /** Whether the module declares `name` itself, for example its own `fn min`. */
  declares(name: string): boolean;
  isOverride(name: string): boolean;
  /** Called with an expression that may crash WebGPU's compiler; see `Expression.#logic`. */
  onNestedLogic(expression: readonly Token[]): void;
  /** How deep the expressions being evaluated nest, including those of constants that they use. */
  depth: number;
}

const maxDepth = 500;

/** The value of a WGSL constant expression; `undefined` if it is not evaluated here, or overflows its type. */
export function evaluate(tokens: readonly Token[], scope: ConstantScope): Constant | undefined {
  const { depth } = scope;
  try {
    return new Expression(tokens, scope).whole();
  } catch (error) {
    if (!(error instanceof Unknown)) throw error;
    // The evaluation stopped before it could find nested logic, so any that the text may have counts.
    if (nestsLogic(tokens) && tokens.some((token) => isOverride(token, scope))) scope.onNestedLogic(tokens);
    return undefined;
  } finally {
    scope.depth = depth;
  }
}

/** As `evaluate`, for a scalar. */
export function evaluateScalar(tokens: readonly Token[], scope: ConstantScope): ConstantValue | undefined {
  const value = evaluate(tokens, scope);
  return value && !isVector(value) ? value : undefined;
}

/** As `evaluate`, for an integer. */
export function evaluateInteger(tokens: readonly Token[], scope: ConstantScope): number | undefined {
  const value = evaluateScalar(tokens, scope);
  return value && isInteger(value) ? value.value : undefined;
}

class Expression {
  readonly #tokens: readonly Token[];
  readonly #scope: ConstantScope;
  #at = 0;
  /** How many overrides have been read. */
  #overrides = 0;
  /**
   * How many `&&` and `||` need the value being read as their right operand; negative inside one that does not need it.
   */
  #logics = 0;
  /**
   * The latest value that comes from the constant of an `override && constant` through `&&`, `||` and brackets alone.
   */
  #absorbed: Constant | undefined;

  constructor(tokens: readonly Token[], scope: ConstantScope) {
    this.#tokens = tokens;
    this.#scope = scope;
  }

  whole(): Constant {
    const value = this.#binary(0);
    if (this.#at < this.#tokens.length) throw new Unknown();
    return value;
  }

  /** A sequence of operands whose operators bind at least as tightly as `least`. */
  #binary(least: number): Constant {
    const overrides = this.#overrides;
    let left = this.#unary();
    for (;;) {
      const operator = this.#operator();
      const rank = precedence.get(operator);
      if (rank === undefined || rank < least) return left;
      this.#at += operator.length;
      if (operator === "&&" || operator === "||") {
        left = this.#logic(operator, left, rank, this.#overrides > overrides);
      } else {
        this.#operate(left);
        const right = this.#binary(rank + 1);
        this.#operate(right);
        left = applyBinary(operator, left, right);
      }
    }
  }

  /**
   * Tint folds `override && constant` to false, or `override || constant` to true, when the constant decides it. If
   * that happens in the right operand of another `&&` or `||`, and any other operation uses the result, Tint leaves
   * that operation at module scope, where its SPIR-V writer has no case for it and aborts the process. (Seen with npm
   * `webgpu` 0.6.2. Function bodies are not affected.)
   */
  #logic(operator: string, left: Constant, rank: number, hasOverride: boolean): Constant {
    const absorbing = operator === "&&" ? 0 : 1;
    const isDecided = isVector(left) || left.value === absorbing;
    const [overrides, logics] = [this.#overrides, this.#logics];
    this.#logics = isDecided ? Number.NEGATIVE_INFINITY : logics + 1;
    const right = this.#binary(rank + 1);
    this.#logics = logics;
    const value = applyBinary(operator, left, right);
    const isConstant = this.#overrides === overrides;
    const isAbsorbed = hasOverride && isConstant && !isVector(right) && right.value === absorbing;
    if (!isDecided && (isAbsorbed || right === this.#absorbed)) this.#absorbed = value;
    return value;
  }

  /** Call before an operation uses `operand`. */
  #operate(operand: Constant): void {
    if (operand === this.#absorbed && this.#logics > 0) this.#scope.onNestedLogic(this.#tokens);
  }

  /** The operator that begins here. Tokens are single characters, so `<<` is two adjacent ones. */
  #operator(): string {
    const [first, second] = [this.#tokens[this.#at], this.#tokens[this.#at + 1]];
    if (first?.kind !== "symbol") return "";
    const both = second?.kind === "symbol" && second.start === first.end ? first.text + second.text : "";
    return precedence.has(both) ? both : first.text;
  }

  #unary(): Constant {
    const token = this.#next();
    this.#scope.depth += 1;
    if (this.#scope.depth > maxDepth) throw new Unknown();
    const isOperator = token.text === "-" || token.text === "!" || token.text === "~";
    let value: Constant;
    if (isOperator) {
      const operand = this.#unary();
      this.#operate(operand);
      value = applyUnary(token.text, operand);
    } else {
      value = this.#accessed(this.#primary(token));
    }
    this.#scope.depth -= 1;
    return value;
  }

  #primary({ kind, text }: Token): Constant {
    if (kind === "number") return literal(text);
    if (kind === "name") return this.#named(text);
    if (text !== "(") throw new Unknown();
    const value = this.#binary(0);
    this.#expect(")");
    return value;
  }

  #accessed(whole: Constant): Constant {
    let value = whole;
    for (;;) {
      if (this.#skip("[")) {
        const index = this.#binary(0);
        this.#operate(index);
        this.#expect("]");
        if (isVector(index) || !isVector(value)) throw new Unknown();
        value = pick(value.type, value.components, [index.value]);
      } else if (this.#skip(".")) {
        const { text } = this.#next();
        const letters = ["xyzw", "rgba"].find((set) => [...text].every((letter) => set.includes(letter)));
        if (letters === undefined || !isVector(value)) throw new Unknown();
        value = pick(
          value.type,
          value.components,
          [...text].map((letter) => letters.indexOf(letter)),
        );
      } else {
        return value;
      }
    }
  }

  #named(name: string): Constant {
    if (name === "true" || name === "false") return { type: "bool", value: name === "true" ? 1 : 0 };
    const isTemplate = this.#tokens[this.#at]?.text === "<" && this.#tokens[this.#at + 2]?.text === ">";
    const template = isTemplate ? this.#tokens[this.#at + 1]!.text : undefined;
    const open = this.#at + (isTemplate ? 3 : 0);
    if (this.#tokens[open]?.text !== "(") {
      if (this.#scope.isOverride(name)) this.#overrides += 1;
      const value = this.#scope.valueOf(name);
      if (!value) throw new Unknown();
      return value;
    }
    if (this.#scope.declares(name) || (template !== undefined && this.#scope.declares(template))) throw new Unknown();
    this.#at = open + 1;
    const list: Constant[] = [];
    while (!this.#skip(")")) {
      const argument = this.#binary(0);
      this.#operate(argument);
      list.push(argument);
      if (!this.#skip(",") && this.#tokens[this.#at]?.text !== ")") throw new Unknown();
    }
    const type = constantTypeOf(name, template);
    if (type) return construct(type, list);
    if (template !== undefined) throw new Unknown();
    return callFunction(name, list);
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (!token) throw new Unknown();
    this.#at += 1;
    return token;
  }

  #skip(text: string): boolean {
    if (this.#tokens[this.#at]?.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#skip(text)) throw new Unknown();
  }
}

/** Whether a `&&` or `||` is in deeper brackets than an earlier one that encloses it. */
function nestsLogic(tokens: readonly Token[]): boolean {
  const groups = [false];
  let outer = 0;
  for (const [i, { text, end }] of tokens.entries()) {
    if (text === "(" || text === "[") {
      groups.push(false);
    } else if (text === ")" || text === "]") {
      if (groups.pop()) outer -= 1;
    } else if ((text === "&" || text === "|") && tokens[i + 1]?.text === text && tokens[i + 1]!.start === end) {
      if (outer > (groups.at(-1) ? 1 : 0)) return true;
      if (!groups.at(-1)) outer += 1;
      groups[groups.length - 1] = true;
    }
  }
  return false;
}

function isOverride({ kind, text }: Token, scope: ConstantScope): boolean {
  return kind === "name" && scope.isOverride(text);
}

function pick(type: ConstantType, components: readonly number[], indices: readonly number[]): Constant {
  const picked = indices.map((index) => components[index]);
  if (picked.includes(undefined) || picked.length > 4) throw new Unknown();
  return picked.length === 1 ? { type, value: picked[0]! } : { type, components: picked as number[] };
}

const literalTypes: { readonly [suffix: string]: ConstantType } = { i: "i32", u: "u32", f: "f32", h: "f16" };

function literal(text: string): ConstantValue {
  const isHex = /^0x/iu.test(text);
  const isHexFloat = isHex && /[.p]/iu.test(text);
  const isFloat = isHexFloat || (!isHex && /[.efh]/iu.test(text));
  // Without an exponent, an `f` at the end of a hexadecimal number is a digit.
  const suffix = (isHex && !/p/iu.test(text) ? /[iu]$/u : /[iufh]$/u).exec(text)?.[0];
  const digits = suffix ? text.slice(0, -1) : text;
  const type = suffix ? literalTypes[suffix]! : isFloat ? "float" : "int";
  return checked(type, isHexFloat ? hexFloat(digits, type) : Number(digits));
}

function hexFloat(text: string, type: ConstantType): number {
  const [, integer = "", fraction = "", exponent = "0"] = /^0x([\da-f]*)\.?([\da-f]*)(?:p(.+))?$/iu.exec(text) ?? [];
  const mantissa = Number(`0x${integer}${fraction}`);
  const value = mantissa * 2 ** (Number(exponent) - 4 * fraction.length);
  // WGSL refuses or rounds a value that does not fit; the device decides which.
  const isExact = Number.isSafeInteger(mantissa) && (value !== 0 || mantissa === 0);
  if (!isExact || (type === "f32" && Math.fround(value) !== value)) throw new Unknown();
  return value;
}
