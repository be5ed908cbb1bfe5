/** Values of WGSL constants as it computes them: exactly, or not at all. */

/** `int` and `float` are WGSL's abstract types, which become any concrete one. */
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

/** Thrown and caught by the evaluator: the expression is beyond it, and nothing is guessed. */
export class Unknown extends Error {}

export function isVector(constant: Constant): constant is ConstantVector {
  return "components" in constant;
}

export function isInteger({ type }: Pick<Constant, "type">): boolean {
  return type === "int" || type === "i32" || type === "u32";
}

/** `constant` as one of `type`, where WGSL converts it without being asked to. */
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

/** The arguments as one type, the one that all of them become. */
export function unified<C extends Constant>(list: readonly C[]): C[] {
  if (list.length === 0) return [];
  for (const { type } of list) {
    const converted = list.map((constant) => convert(constant, type));
    if (!converted.includes(undefined)) return converted as C[];
  }
  throw new Unknown();
}

/** @throws {Unknown} When the type does not hold the value: WGSL refuses, wraps or rounds it. */
export function checked(type: ConstantType, value: number): ConstantValue {
  const result = inRange(type, value);
  if (result === undefined) throw new Unknown();
  return { type, value: result };
}

function inRange(type: ConstantType, value: number): number | undefined {
  // Minus zero is no integer's value.
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

/** Whether a normal half is exactly this, so that how WGSL rounds does not matter: an f32 whose last 13 bits are zero. */
function isHalf(value: number): boolean {
  const magnitude = Math.abs(value);
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!;
  return (
    Math.fround(value) === value && bits % 2 ** 13 === 0 && (value === 0 || magnitude >= 2 ** -14) && magnitude <= 65504
  );
}
