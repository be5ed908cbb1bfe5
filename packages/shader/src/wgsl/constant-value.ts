/** Values of WGSL constants, computed exactly or not at all. */

/** `int` and `float` are WGSL's abstract types, which convert to concrete ones. */
export type ConstantType = "int" | "float" | "i32" | "u32" | "f32" | "f16" | "bool";

export interface ConstantValue {
  readonly type: ConstantType;
  readonly value: number;
}

export interface ConstantVector {
  readonly type: ConstantType;
  readonly components: readonly number[];
}

export type Constant = ConstantValue | ConstantVector;

/** Thrown and caught by the evaluator: it cannot evaluate the expression, and it never guesses. */
export class Unknown extends Error {}

export function isVector(constant: Constant): constant is ConstantVector {
  return "components" in constant;
}

export function isInteger({ type }: Pick<Constant, "type">): boolean {
  return type === "int" || type === "i32" || type === "u32";
}

/** Converts `constant` to `type` if WGSL does so implicitly. */
export function convert<C extends Constant>(constant: C, type: ConstantType): C | undefined;
export function convert(constant: Constant, type: ConstantType): Constant | undefined {
  if (constant.type === type) return constant;
  const isAbstract = constant.type === "int" || (constant.type === "float" && (type === "f32" || type === "f16"));
  if (!isAbstract || type === "bool") return undefined;
  if (!isVector(constant)) {
    const value = inRange(type, constant.value);
    return value === undefined ? undefined : { type, value };
  }
  const components = constant.components.map((component) => inRange(type, component));
  return components.includes(undefined) ? undefined : { type, components: components as number[] };
}

/** Converts the arguments to the one type that all of them convert to. */
export function unified<C extends Constant>(list: readonly C[]): C[] {
  if (list.length === 0) return [];
  for (const { type } of list) {
    const converted = list.map((constant) => convert(constant, type));
    if (!converted.includes(undefined)) return converted as C[];
  }
  throw new Unknown();
}

/** @throws {Unknown} If the type does not hold the value: WGSL refuses, wraps or rounds it. */
export function checked(type: ConstantType, value: number): ConstantValue {
  const result = inRange(type, value);
  if (result === undefined) throw new Unknown();
  return { type, value: result };
}

function inRange(type: ConstantType, value: number): number | undefined {
  // Integers have no minus zero.
  const whole = Number.isSafeInteger(value) ? value + 0 : undefined;
  switch (type) {
    case "int":
      return whole;
    case "i32":
      return whole !== undefined && whole === (whole | 0) ? whole : undefined;
    case "u32":
      return whole !== undefined && whole === whole >>> 0 ? whole : undefined;
    case "f32":
      return Number.isFinite(Math.fround(value)) ? Math.fround(value) : undefined;
    case "f16":
      return isHalf(value) ? value : undefined;
    default:
      return Number.isFinite(value) ? value : undefined;
  }
}

/**
 * Whether a normal f16 has exactly this value, so that WGSL's rounding does not matter: an f32 whose last 13 bits are
 * zero.
 */
function isHalf(value: number): boolean {
  const magnitude = Math.abs(value);
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!;
  return (
    Math.fround(value) === value && bits % 2 ** 13 === 0 && (value === 0 || magnitude >= 2 ** -14) && magnitude <= 65504
  );
}
