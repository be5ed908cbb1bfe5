import { type ComputeBackend, inout, output } from "@kiln-gpu/core";
import {
  exclusiveScanReference,
  fieldAdd,
  fieldAddReference,
  matrixProductReference,
  runExclusiveScan,
  runFieldAdd,
  runMatrixProduct,
  runSaxpy,
  runSum,
  saxpy,
  saxpyReference,
  sumReference,
} from "@kiln-gpu/kernels";
import { checkResult } from "../check-result.js";
import type { KernelJob } from "../kernel-jobs.js";

const length = 64;
const alpha = 0.75;
const dims = { m: 8, k: 8, n: 8 };
const tolerance = 1e-5;

/**
 * Twenty kernels on arrays of 64: five from SPIR-V, the first among them, and fifteen from WGSL, twelve of which differ
 * from others only in a constant. The histogram and the large matrix product are left out: each takes a software GPU
 * seconds, which is not a cost of Kiln.
 */
export function coldJobs(): KernelJob[] {
  const a = Float32Array.from({ length }, (_, i) => 0.5 + i / length);
  const b = Float32Array.from({ length }, (_, i) => 1.5 - i / length);
  const values = Uint32Array.from({ length }, (_, i) => (i * 7) % 16);
  const jobs: KernelJob[] = [];
  for (const from of ["spirv", "wgsl"] as const) {
    jobs.push(
      async (backend) => checkResult("Field add", fieldAddReference(a, b), await runFieldAdd(backend, a, b, { from })),
      async (backend) =>
        checkResult("Saxpy", saxpyReference(alpha, a, b), await runSaxpy(backend, alpha, a, b, { from }), tolerance),
      async (backend) => {
        const sum = await runSum(backend, a, { from });
        checkResult("Sum", Float32Array.of(sumReference(a)), Float32Array.of(sum), tolerance);
      },
    );
  }
  jobs.push(
    async (backend) => {
      const prefixes = await runExclusiveScan(backend, values, { from: "spirv" });
      checkResult("Scan", exclusiveScanReference(values), prefixes);
    },
    async (backend) => {
      const product = await runMatrixProduct(backend, a, b, dims, { from: "spirv" });
      checkResult("Matrix product", matrixProductReference(a, b, dims), product, tolerance);
    },
  );
  // On arrays of 64 the tunable kernels above use workgroups of 64.
  for (const size of [4, 8, 16, 32, 128, 256]) jobs.push(...withWorkgroups(size, a, b));
  return jobs;
}

function withWorkgroups(size: number, a: Float32Array, b: Float32Array): KernelJob[] {
  const constants = { workgroup_size: size };
  return [
    async (backend: ComputeBackend) => {
      const { c } = await backend.run(fieldAdd.specialize(constants), { a, b, c: output(Float32Array, length) });
      checkResult(`Field add by ${size}`, fieldAddReference(a, b), c);
    },
    async (backend: ComputeBackend) => {
      const { y } = await backend.run(saxpy.specialize(constants), { alpha, x: a, y: inout(b) });
      checkResult(`Saxpy by ${size}`, saxpyReference(alpha, a, b), y, tolerance);
    },
  ];
}
