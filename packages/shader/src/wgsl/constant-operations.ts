/** WGSL's operators, constructors and built-in functions whose results are exact; vectors component by component. */
import {
  type Constant,
  type ConstantType,
  type ConstantValue,
  checked,
  isInteger,
  isVector,
  Unknown,
  unified,
} from "./constant-value.js";

/** Each row binds tighter than the rows before it. */
const operatorRows = [
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
export const precedence: ReadonlyMap<string, number> = new Map(
  operatorRows.flatMap((row, rank) => row.map((operator) => [operator, rank] as const)),
);

export function applyUnary(operator: string, operand: Constant): Constant {
  return each([operand], ({ type, value }) => {
    if (operator === "-" && type !== "bool" && type !== "u32") return checked(type, -value);
    if (operator === "!" && type === "bool") return truth(value === 0);
    if (operator === "~" && isInteger({ type })) return checked(type, type === "u32" ? ~value >>> 0 : -value - 1);
    throw new Unknown();
  });
}

export function applyBinary(operator: string, left: Constant, right: Constant): Constant {
  if (operator !== "<<" && operator !== ">>") {
    return each(unified([left, right]), (a, b) => arithmetic(operator, a, b!.value));
  }
  return each([left, right], (a, b) => {
    const most = a.type === "int" ? 63 : 31;
    if (!isInteger(a) || !isInteger(b!) || b!.value < 0 || b!.value > most) throw new Unknown();
    const factor = 2 ** b!.value;
    return checked(a.type, operator === "<<" ? a.value * factor : Math.floor(a.value / factor));
  });
}

function arithmetic(operator: string, { type, value: a }: ConstantValue, b: number): ConstantValue {
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
      return checked(type, a + b);
    case "-":
      return checked(type, a - b);
    case "*":
      return checked(type, a * b);
    case "/":
      return checked(type, isInteger({ type }) ? Math.trunc(a / b) : a / b);
    case "%":
      return checked(type, a % b);
  }
  if (!isInteger({ type })) throw new Unknown();
  // JavaScript's bitwise operators have 32 bits; an abstract integer has 64.
  const [x, y] = [BigInt(a), BigInt(b)];
  switch (operator) {
    case "&":
      return checked(type, Number(x & y));
    case "|":
      return checked(type, Number(x | y));
    case "^":
      return checked(type, Number(x ^ y));
  }
  throw new Unknown();
}

const suffixes: { readonly [suffix: string]: ConstantType } = { f: "f32", h: "f16", i: "i32", u: "u32" };
const scalars: readonly string[] = ["i32", "u32", "f32", "f16", "bool"] satisfies ConstantType[];

/** A vector type, or a scalar type with 1 component; `vec3(...)` leaves its scalar type open. */
export interface ConstantTypeName {
  readonly scalar: ConstantType | undefined;
  readonly components: number;
}

/** The type that `vec3` with the template `f32`, `vec3f` or `f32` names; `undefined` for any other name. */
export function constantTypeOf(name: string, template: string | undefined): ConstantTypeName | undefined {
  if (scalars.includes(name))
    return template === undefined ? { scalar: name as ConstantType, components: 1 } : undefined;
  const [, components, suffix] = /^vec([234])([fhiu]?)$/u.exec(name) ?? [];
  if (!components || (suffix && template !== undefined)) return undefined;
  if (template !== undefined && !scalars.includes(template)) return undefined;
  return { scalar: suffix ? suffixes[suffix] : (template as ConstantType | undefined), components: Number(components) };
}

/** `u32(...)` or `vec2u(...)`. */
export function construct({ scalar, components }: ConstantTypeName, list: readonly Constant[]): Constant {
  if (components === 1) {
    const [only] = list;
    if (list.length > 1 || (only && isVector(only))) throw new Unknown();
    return cast(only ?? { type: scalar!, value: 0 }, scalar!);
  }
  const parts = list.flatMap((constant) =>
    isVector(constant)
      ? constant.components.map((value): ConstantValue => ({ type: constant.type, value }))
      : [constant],
  );
  if (parts.length > components) throw new Unknown();
  const given = scalar ? parts.map((part) => cast(part, scalar)) : unified(parts);
  const type = scalar ?? given[0]?.type ?? "int";
  if (given.length === components) return { type, components: given.map(({ value }) => value) };
  if (given.length > 1) throw new Unknown();
  // One value fills every component; no value means zero.
  return { type, components: new Array<number>(components).fill(given[0]?.value ?? 0) };
}

/** An explicit conversion; unknown if it would saturate a float. */
function cast({ type, value }: ConstantValue, to: ConstantType): ConstantValue {
  if (to === "bool") return truth(value !== 0);
  // The same bits.
  if (type === "i32" && to === "u32") return { type: to, value: value >>> 0 };
  if (type === "u32" && to === "i32") return { type: to, value: value | 0 };
  const isTruncated = isInteger({ type: to }) && (type === "float" || type === "f32" || type === "f16");
  return checked(to, isTruncated ? Math.trunc(value) : value);
}

type Numeric = (type: ConstantType, ...values: number[]) => number;

const onBits =
  (count: (bits: number) => number): Numeric =>
  (type, value) => {
    if (!isInteger({ type })) throw new Unknown();
    return count(value | 0);
  };
const onFloat =
  (round: (value: number) => number): Numeric =>
  (type, value) => {
    if (isInteger({ type })) throw new Unknown();
    return round(value);
  };

/** By the number of arguments. Functions that a device may round differently, such as `log2`, are left out. */
const functions: readonly { readonly [name: string]: Numeric }[] = [
  {},
  {
    abs: (_, value) => Math.abs(value),
    sign: (_, value) => Math.sign(value),
    ceil: onFloat(Math.ceil),
    floor: onFloat(Math.floor),
    trunc: onFloat(Math.trunc),
    countLeadingZeros: onBits(Math.clz32),
    countTrailingZeros: onBits((bits) => (bits === 0 ? 32 : 31 - Math.clz32(bits & -bits))),
    countOneBits: onBits((bits) => (bits >>> 0).toString(2).replaceAll("0", "").length),
  },
  {
    min: (_, a, b) => Math.min(a!, b!),
    max: (_, a, b) => Math.max(a!, b!),
  },
  { clamp: (_, value, low, high) => Math.min(Math.max(value!, low!), high!) },
];

export function callFunction(name: string, list: readonly Constant[]): Constant {
  if (name === "select" && list.length === 3) {
    const [no, yes] = unified(list.slice(0, 2));
    const condition = list[2]!;
    if (condition.type !== "bool") throw new Unknown();
    return each([no!, yes!, condition], (a, b, c) => (c!.value === 1 ? b! : a));
  }
  const byName = functions[list.length];
  const compute = byName && Object.hasOwn(byName, name) ? byName[name] : undefined;
  if (!compute) throw new Unknown();
  return each(unified(list), (first, ...rest) => {
    if (first.type === "bool") throw new Unknown();
    return checked(first.type, compute(first.type, first.value, ...rest.map(({ value }) => value)));
  });
}

function truth(value: boolean): ConstantValue {
  return { type: "bool", value: value ? 1 : 0 };
}

/** Applies `compute` to the operands, or to their components one by one; a scalar counts for every component. */
function each(
  operands: readonly Constant[],
  compute: (first: ConstantValue, ...rest: ConstantValue[]) => ConstantValue,
): Constant {
  const vectors = operands.filter(isVector);
  const length = vectors[0]?.components.length;
  if (length === undefined) return compute(...(operands as [ConstantValue]));
  if (vectors.some(({ components }) => components.length !== length)) throw new Unknown();
  const results = Array.from({ length }, (_, i) =>
    compute(
      ...(operands.map((operand) =>
        isVector(operand) ? { type: operand.type, value: operand.components[i]! } : operand,
      ) as [ConstantValue]),
    ),
  );
  return { type: results[0]!.type, components: results.map(({ value }) => value) };
}
