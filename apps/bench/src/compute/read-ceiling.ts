import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import { defineKernel, type Output } from "@kiln-gpu/core";
import { checkResult } from "../check-result.js";
import type { Subject } from "./subject.js";

const workgroupSize = 256;
/** Vectors of four numbers that each thread reads, a few at a time so that many reads are in flight. */
const vectorsPerThread = 32;
const vectorsAtOnce = 8;
const numbersPerThread = 4 * vectorsPerThread;
/** Larger than the caches. */
const byteLengthOn = ({ isSoftware }: { readonly isSoftware: boolean }) => (isSoftware ? 2 ** 26 : 2 ** 29);

/** Neighboring threads of a workgroup read neighboring vectors. */
const firstVector = /* wgsl */ `
fn firstVector(workgroup: u32, local: u32) -> u32 {
  return workgroup * ${workgroupSize * vectorsPerThread} + local;
}`;

/** Whole numbers of 12 bits without a pattern, so that the data differs and sums are exact. */
const fill = defineKernel<{ readonly values: Output<Float32Array> }>({
  label: "fill",
  wgsl: /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> values: array<vec4f>;
${firstVector}
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = firstVector(workgroup.x, local);
  for (var i = first; i < first + ${workgroupSize * vectorsPerThread}; i += ${workgroupSize}) {
    values[i] = vec4f(((4 * i + vec4u(0, 1, 2, 3)) * 2654435761) >> vec4u(20));
  }
}`,
  threads: ({ values }) => values.length / numbersPerThread,
});

const readAll = defineKernel<{ readonly values: Float32Array; readonly subtotals: Output<Float32Array> }>({
  label: "read-all",
  wgsl: /* wgsl */ `
@group(0) @binding(0) var<storage, read> values: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> subtotals: array<f32>;
${firstVector}
@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = firstVector(workgroup.x, local);
  var total = vec4f();
  for (var i = first; i < first + ${workgroupSize * vectorsPerThread}; i += ${workgroupSize * vectorsAtOnce}) {
    ${Array.from({ length: vectorsAtOnce }, (_, i) => `let v${i} = values[i + ${i * workgroupSize}];`).join("\n")}
    total += ${Array.from({ length: vectorsAtOnce }, (_, i) => `v${i}`).join(" + ")};
  }
  subtotals[id.x] = dot(total, vec4f(1));
}`,
  threads: ({ subtotals }) => subtotals.length,
});

/** The ceiling of the device: only reads of device memory, each byte once. */
export async function createReadCeiling(backend: PersistentComputeBackend): Promise<Subject & Disposable> {
  const { maxBufferSize, maxStorageBufferBindingSize } = backend.device.limits;
  const mostByteLength = Math.min(byteLengthOn(backend.device), maxBufferSize, maxStorageBufferBindingSize);
  const length = 2 ** Math.floor(Math.log2(mostByteLength / 4));
  const values = await backend.array(Float32Array, length);
  const subtotals = await backend.array(Float32Array, length / numbersPerThread);
  await backend.run(fill, { values });
  const expected = expectedSubtotals(length);
  return {
    name: "read",
    work: 4 * (values.length + subtotals.length),
    results: [subtotals],
    record: (run) => run(readAll, { values, subtotals }),
    check: ([given]) => checkResult("The reading of memory", expected, given!),
    [Symbol.dispose]() {
      values.dispose();
      subtotals.dispose();
    },
  };
}

function expectedSubtotals(length: number): Float32Array {
  const subtotals = new Float32Array(length / numbersPerThread);
  for (let i = 0; i < length; i += 1) {
    const vector = Math.floor(i / 4);
    const workgroup = Math.floor(vector / (workgroupSize * vectorsPerThread));
    subtotals[workgroup * workgroupSize + (vector % workgroupSize)]! += Math.imul(i, 2654435761) >>> 20;
  }
  return subtotals;
}
