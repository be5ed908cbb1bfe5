import { defineKernel, type Inout, type Kernel, type Output } from "@kiln-gpu/core";
import type { NumberArrays, NumberType } from "./operation.js";
import { checkSameLength } from "./selection.js";

const workgroupSize = 256;
const numbersPerThread = 4;

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
    programs: { gather: { wgsl: gatherWgsl(type) } },
    passes({ indices, results }) {
      checkSameLength(label, ["results", results], ["indices", indices]);
      return [{ program: "gather", workgroups: workgroupsOf(indices.length) }];
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
    programs: { scatter: { wgsl: scatterWgsl(type) } },
    passes({ values, indices }) {
      checkSameLength(label, ["indices", indices], ["values", values]);
      return [{ program: "scatter", workgroups: workgroupsOf(values.length) }];
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

function workgroupsOf(length: number): number {
  return Math.ceil(length / (numbersPerThread * workgroupSize));
}

const eachRow = (line: (k: number) => string) => Array.from({ length: numbersPerThread }, (_, k) => line(k)).join("\n");

/** A thread moves four numbers a row apart, so that four reads are in flight. */
const gatherWgsl = (type: NumberType) => /* wgsl */ `
@group(0) @binding(0) var<storage, read> values: array<${type}>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> results: array<${type}>;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = workgroup.x * ${numbersPerThread * workgroupSize} + local;
  let count = arrayLength(&indices);
  let length = arrayLength(&values);
${eachRow((k) => `let index${k} = indices[min(first + ${k * workgroupSize}, count - 1)];`)}
${eachRow((k) => `let value${k} = select(0, values[min(index${k}, length - 1)], index${k} < length);`)}
${eachRow((k) => `if (first + ${k * workgroupSize} < count) { results[first + ${k * workgroupSize}] = value${k}; }`)}
}
`;

const scatterWgsl = (type: NumberType) => /* wgsl */ `
@group(0) @binding(0) var<storage, read> values: array<${type}>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> results: array<${type}>;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = workgroup.x * ${numbersPerThread * workgroupSize} + local;
  let count = arrayLength(&values);
${eachRow(
  (k) => `let index${k} = indices[min(first + ${k * workgroupSize}, count - 1)];
  let value${k} = values[min(first + ${k * workgroupSize}, count - 1)];`,
)}
${eachRow(
  (k) =>
    `if (first + ${k * workgroupSize} < count && index${k} < arrayLength(&results)) { results[index${k}] = value${k}; }`,
)}
}
`;
