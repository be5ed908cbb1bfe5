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
  /** Whether the module gives `name` a meaning of its own, as a user's `fn min`. */
  declares(name: string): boolean;
  isOverride(name: string): boolean;
  /** Told of the expression that WebGPU's compiler may end the process on: see `Expression.#logic`. */
  onNestedLogic(expression: readonly Token[]): void;
  /** How deep the expressions nest that are being evaluated now, through constants made of constants too. */
  depth: number;
}

const maxDepth = 500;

/** The value of a WGSL constant expression; `undefined` for what is not evaluated here, and for what overflows its type. */
export function evaluate(tokens: readonly Token[], scope: ConstantScope): Constant | undefined {
  const { depth } = scope;
  try {
    return new Expression(tokens, scope).whole();
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  } finally {
    scope.depth = depth;
  }
}

/** As `evaluate`, of what is to be one number. */
export function evaluateScalar(tokens: readonly Token[], scope: ConstantScope): ConstantValue | undefined {
  const value = evaluate(tokens, scope);
  return value && !isVector(value) ? value : undefined;
}

/** As `evaluate`, of what is to be an integer. */
export function evaluateInteger(tokens: readonly Token[], scope: ConstantScope): number | undefined {
  const value = evaluateScalar(tokens, scope);
  return value && isInteger(value) ? value.value : undefined;
}

class Expression {
  readonly #tokens: readonly Token[];
  readonly #scope: ConstantScope;
  #at = 0;
  /** How many `&&` and `||` need the operand that is evaluated now. */
  #logics = 0;

  constructor(tokens: readonly Token[], scope: ConstantScope) {
    this.#tokens = tokens;
    this.#scope = scope;
  }

  whole(): Constant {
    const value = this.#binary(0);
    if (this.#at < this.#tokens.length) throw new Unknown();
    return value;
  }

  /** A sequence of operands whose operators bind as tightly as `least`, or tighter. */
  #binary(least: number): Constant {
    const start = this.#at;
    let left = this.#unary();
    for (;;) {
      const operator = this.#operatorAt(this.#at);
      const rank = precedence.get(operator);
      if (rank === undefined || rank < least) return left;
      this.#at += operator.length;
      const isLogic = operator === "&&" || operator === "||";
      left = isLogic ? this.#logic(operator, left, start, rank) : applyBinary(operator, left, this.#binary(rank + 1));
    }
  }

  /**
   * Where an `override && constant` that is false, or an `override || constant` that is true, stands in the right operand of another of
   * these, as a part of an operation, Tint leaves that operation at module scope, where its SPIR-V writer has no case for it, and ends the
   * process. (Seen with npm `webgpu` 0.6.2; in a function's body it does not happen.)
   */
  #logic(operator: string, left: Constant, start: number, rank: number): Constant {
    const rightStart = this.#at;
    const absorbing = operator === "&&" ? 0 : 1;
    const isDecided = !isVector(left) && left.value === absorbing;
    if (!isDecided) this.#logics += 1;
    const right = this.#binary(rank + 1);
    if (!isDecided) this.#logics -= 1;
    const isAbsorbed = !isDecided && !isVector(right) && right.value === absorbing;
    if (this.#logics > 0 && isAbsorbed && this.#isMixed(start, rightStart) && !this.#isOperand(start)) {
      this.#scope.onNestedLogic(this.#tokens.slice(start, this.#at));
    }
    return applyBinary(operator, left, right);
  }

  /** Whether an override stands between `start` and `middle`, and none from there on. */
  #isMixed(start: number, middle: number): boolean {
    const isOverride = ({ kind, text }: Token) => kind === "name" && this.#scope.isOverride(text);
    return this.#tokens.slice(start, middle).some(isOverride) && !this.#tokens.slice(middle, this.#at).some(isOverride);
  }

  /** Whether what is read since `start` is, within its brackets, a whole operand of a `&&` or `||`. */
  #isOperand(start: number): boolean {
    let before = start - 1;
    let after = this.#at;
    while (this.#tokens[before]?.text === "(" && this.#tokens[after]?.text === ")") {
      before -= 1;
      after += 1;
    }
    const isLogic = (first: number) => /^(?:&&|\|\|)$/u.test(this.#operatorAt(first));
    const ends = this.#tokens[after]?.text;
    return isLogic(before - 1) && (ends === undefined || ends === ")" || isLogic(after));
  }

  /** The operator that begins there: tokens are single characters, so `<<` is two that touch. */
  #operatorAt(at: number): string {
    const [first, second] = [this.#tokens[at], this.#tokens[at + 1]];
    if (first?.kind !== "symbol") return "";
    const both = second?.kind === "symbol" && second.start === first.end ? first.text + second.text : "";
    return precedence.has(both) ? both : first.text;
  }

  #unary(): Constant {
    const token = this.#next();
    this.#scope.depth += 1;
    if (this.#scope.depth > maxDepth) throw new Unknown();
    const isOperator = token.text === "-" || token.text === "!" || token.text === "~";
    const value = isOperator ? applyUnary(token.text, this.#unary()) : this.#accessed(this.#primary(token));
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
      const value = this.#scope.valueOf(name);
      if (!value) throw new Unknown();
      return value;
    }
    if (this.#scope.declares(name) || (template !== undefined && this.#scope.declares(template))) throw new Unknown();
    this.#at = open + 1;
    const list: Constant[] = [];
    while (!this.#skip(")")) {
      list.push(this.#binary(0));
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
  // WGSL refuses, or rounds, what does not fit; either is its own business.
  const isExact = Number.isSafeInteger(mantissa) && (value !== 0 || mantissa === 0);
  if (!isExact || (type === "f32" && Math.fround(value) !== value)) throw new Unknown();
  return value;
}
