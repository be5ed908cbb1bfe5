import { defineKernel, type Inout, type Kernel, type Output } from "@kiln-gpu/core";
import type { NumberArrays, NumberType } from "./operation.js";
import { checkSameLength } from "./selection.js";

export type GatherBindings<Type extends NumberType> = {
  readonly values: NumberArrays[Type];
  readonly indices: Uint32Array;
  /** As long as `indices`. */
  readonly results: Output<NumberArrays[Type]>;
};

export type ScatterBindings<Type extends NumberType> = {
  readonly values: NumberArrays[Type];
  /** One for each value. */
  readonly indices: Uint32Array;
  readonly results: Inout<NumberArrays[Type]>;
};

/** A kernel that reads `results[i] = values[indices[i]]`. An index beyond the end of `values` gives 0. */
export function defineGather<Type extends NumberType>(label: string, type: Type): Kernel<GatherBindings<Type>> {
  return defineKernel<GatherBindings<NumberType>>({
    label,
    wgsl: gatherWgsl(type),
    threads({ indices, results }) {
      checkSameLength(label, ["results", results], ["indices", indices]);
      return indices.length;
    },
  }) as Kernel<GatherBindings<Type>>;
}

/** What a kernel of `defineGather` computes, on the CPU. */
export function gatherReference<T extends NumberArrays[NumberType]>(values: T, indices: Uint32Array): T {
  const results = new (values.constructor as new (length: number) => T)(indices.length);
  for (const [i, index] of indices.entries()) results[i] = values[index] ?? 0;
  return results;
}

/**
 * A kernel that writes `results[indices[i]] = values[i]` and leaves all other elements of `results` as they are. It
 * skips an index beyond the end of `results`. If an index occurs several times, any one of its values is written.
 */
export function defineScatter<Type extends NumberType>(label: string, type: Type): Kernel<ScatterBindings<Type>> {
  return defineKernel<ScatterBindings<NumberType>>({
    label,
    wgsl: scatterWgsl(type),
    threads({ values, indices }) {
      checkSameLength(label, ["indices", indices], ["values", values]);
      return values.length;
    },
  }) as Kernel<ScatterBindings<Type>>;
}

/** What a kernel of `defineScatter` leaves in `results`; of the values with one index, the last. */
export function scatterReference<T extends NumberArrays[NumberType]>(values: T, indices: Uint32Array, results: T): T {
  const scattered = results.slice() as T;
  for (const [i, index] of indices.entries()) {
    if (index < scattered.length) scattered[index] = values[i]!;
  }
  return scattered;
}

const gatherWgsl = (type: NumberType) => /* wgsl */ `
@group(0) @binding(0) var<storage, read> values: array<${type}>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> results: array<${type}>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= arrayLength(&indices)) { return; }
  let index = indices[id.x];
  var value = ${type}();
  if (index < arrayLength(&values)) { value = values[index]; }
  results[id.x] = value;
}
`;

const scatterWgsl = (type: NumberType) => /* wgsl */ `
@group(0) @binding(0) var<storage, read> values: array<${type}>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> results: array<${type}>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= arrayLength(&values)) { return; }
  let index = indices[id.x];
  if (index < arrayLength(&results)) { results[index] = values[id.x]; }
}
`;
