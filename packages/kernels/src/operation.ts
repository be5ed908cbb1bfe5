import type { Constants } from "@kiln-gpu/core";

/** The number types that the generic kernels take, by WGSL's names. */
export interface NumberArrays {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
}
export type NumberType = keyof NumberArrays;

/** The classes of these arrays. */
export const arrayTypes = { f32: Float32Array, i32: Int32Array, u32: Uint32Array } as const;

/**
 * An operation on two numbers of one type. It must be associative: `(a ∘ b) ∘ c` equals `a ∘ (b ∘ c)`, for floats but
 * for rounding.
 */
export interface Operation<Type extends NumberType = NumberType> {
  readonly type: Type;
  /** The result for the numbers `a` and `b`, as a WGSL expression: `"a + b"`, `"max(a, b)"`. */
  readonly combine: string;
  /** The number that changes no other, as a WGSL expression: `"0"` for a sum, `"1"` for a product. */
  readonly identity: string;
}

/** Declares `Number`, `identity` and `combine`. */
export function combineWgsl({ type, combine, identity }: Operation): string {
  return /* wgsl */ `
alias Number = ${type};
const identity = Number(${identity});

fn combine(a: Number, b: Number) -> Number {
  return ${combine};
}
`;
}

/** Declares the operation and what reads `values`, which has vec4s if `isAligned`. */
export function operationWgsl(operation: Operation, isAligned: boolean): string {
  return /* wgsl */ `
${combineWgsl(operation)}
@group(0) @binding(0) var<storage, read> values: array<${isAligned ? "vec4<Number>" : "Number"}>;

fn combineFour(v: vec4<Number>) -> Number {
  return combine(combine(combine(v.x, v.y), v.z), v.w);
}

// Four neighbors that are all there.
fn readWholeFour(i: u32) -> vec4<Number> {
  return ${isAligned ? "values[i]" : "vec4(values[4 * i], values[4 * i + 1], values[4 * i + 2], values[4 * i + 3])"};
}

// Four neighbors, with the identity in place of those beyond the end.
fn readFour(i: u32) -> vec4<Number> {
  var four = vec4(identity);
${
  isAligned
    ? "if (i < arrayLength(&values)) { four = values[i]; }"
    : `let count = arrayLength(&values);
  if (4 * i < count) { four.x = values[4 * i]; }
  if (4 * i + 1 < count) { four.y = values[4 * i + 1]; }
  if (4 * i + 2 < count) { four.z = values[4 * i + 2]; }
  if (4 * i + 3 < count) { four.w = values[4 * i + 3]; }`
}
  return four;
}
`;
}

/** The program to use for an array of this length: whole vec4s are read faster. */
export function alignment(length: number): "aligned" | "unaligned" {
  return length % 4 === 0 ? "aligned" : "unaligned";
}

/** The number of threads in a workgroup of a kernel whose constant `workgroup_size` is 256 by default. */
export function workgroupSizeOf({ workgroup_size = 256 }: Constants): number {
  return Number(workgroup_size);
}
