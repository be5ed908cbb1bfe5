/** The typed arrays of shader types, and how numbers become their elements. */
import type { TypedArray, TypedArrayConstructor } from "@kiln-gpu/core";
import type { ScalarType, TypeLayout } from "@kiln-gpu/core/backend";
import { UsageError } from "../usage-error.js";

export type ElementType = Exclude<ScalarType, "bool">;

const float16 = (globalThis as { readonly Float16Array?: TypedArrayConstructor }).Float16Array;

/** The array of `type`. Before Node 24 there is no Float16Array; halves are then 16-bit words. */
export function arrayOf(type: ElementType): TypedArrayConstructor {
  switch (type) {
    case "f32":
      return Float32Array;
    case "i32":
      return Int32Array;
    case "u32":
      return Uint32Array;
    case "f16":
      return float16 ?? Uint16Array;
  }
}

export function elementTypeOf(array: TypedArray): ElementType | "u8" {
  if (array instanceof Float32Array) return "f32";
  if (array instanceof Int32Array) return "i32";
  if (array instanceof Uint32Array) return "u32";
  return array instanceof Uint8Array ? "u8" : "f16";
}

/** The element type of the arrays that `layout` takes; `undefined` for a struct of several types. */
export function soleElementType(layout: TypeLayout): ElementType | undefined {
  switch (layout.kind) {
    case "array":
      return soleElementType(layout.element);
    case "struct": {
      const types = new Set(layout.members.map((member) => soleElementType(member.layout)));
      return types.size === 1 ? [...types][0] : undefined;
    }
    default:
      return layout.scalar === "bool" ? "u32" : layout.scalar;
  }
}

/** How many elements of an array one element in the shader takes: 4 for `array<vec3f>`, which is padded. */
export function componentsOf(layout: TypeLayout): number {
  if (layout.kind !== "array") return 1;
  return layout.stride / (soleElementType(layout) === "f16" ? 2 : 4);
}

/** Whether the layout's size is fixed; otherwise it ends with a runtime-sized array. */
export function isSized(layout: TypeLayout): boolean {
  if (layout.kind === "array") return layout.count > 0;
  return layout.kind !== "struct" || layout.members.every((member) => isSized(member.layout));
}

/** @throws {UsageError} for a number that the type cannot hold. */
export function toElements(option: string, type: ElementType, values: ArrayLike<number>): TypedArray {
  if (type === "f16" && !float16) {
    throw new UsageError(`${option}: halves are made of numbers from Node 24 on; give a .npy file of float16.`);
  }
  const array = new (arrayOf(type))(values.length);
  const [least, most] = type === "i32" ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (type !== "f32" && type !== "f16" && !(Number.isInteger(value) && value >= least && value <= most)) {
      throw new UsageError(
        `${option}: an array of ${type} takes whole numbers from ${least} to ${most}; element ${i} is ${value}.`,
      );
    }
    array[i] = value;
  }
  return array;
}

/** The numbers in `array`; those of halves too. */
export function toNumbers(array: TypedArray): ArrayLike<number> {
  return array instanceof Uint16Array ? Float64Array.from(array, halfToNumber) : array;
}

/** The value of an IEEE 754 half with the bits `half`. */
export function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Numbers from 0 (included) to 1, the same for the same seed: mulberry32, by Tommy Ettinger. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
