import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import { defineKernel, type Output } from "@kiln-gpu/core";
import { checkResult } from "../check-result.js";
import type { Subject } from "./subject.js";

const workgroupSize = 256;
const vectorsPerThread = 4;
const numbersPerWorkgroup = 4 * vectorsPerThread * workgroupSize;

const eachVector = (line: (i: number) => string) =>
  Array.from({ length: vectorsPerThread }, (_, i) => line(i * workgroupSize)).join("\n");

const copyAll = defineKernel<{ readonly values: Float32Array; readonly results: Output<Float32Array> }>({
  label: "copy-all",
  wgsl: /* wgsl */ `
@group(0) @binding(0) var<storage, read> values: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> results: array<vec4f>;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = workgroup.x * ${workgroupSize * vectorsPerThread} + local;
  ${eachVector((i) => `let v${i} = values[first + ${i}];`)}
  ${eachVector((i) => `results[first + ${i}] = v${i};`)}
}`,
  threads: ({ values }) => (values.length / numbersPerWorkgroup) * workgroupSize,
});

/** The ceiling of the device for what reads and writes memory: each byte once. */
export async function createCopyCeiling(backend: PersistentComputeBackend): Promise<Subject & Disposable> {
  const length = backend.device.isSoftware ? 2 ** 20 : 2 ** 26;
  const data = Float32Array.from({ length }, (_, i) => 1 + (i % 8191));
  const values = await backend.array(data);
  const results = await backend.array(Float32Array, length);
  return {
    name: "copy",
    work: 2 * data.byteLength,
    results: [results],
    record: (run) => run(copyAll, { values, results }),
    check: ([given]) => checkResult("The copy of memory", data, given!),
    [Symbol.dispose]() {
      values.dispose();
      results.dispose();
    },
  };
}
