import { type ComputeBackend, inout, output } from "@kiln-gpu/core";
import {
  fieldAddReference,
  fieldAddSpirv,
  histogramReference,
  histogramSpirv,
  matrixProduct,
  matrixProductReference,
  saxpyReference,
  saxpySpirv,
  sumReference,
  sumSpirv,
} from "@kiln-gpu/kernels";
import { checkResult } from "./check-result.js";

/** Runs one kernel once and checks its result. */
export type KernelJob = (backend: ComputeBackend) => Promise<void>;

/** For kernels that round in another order than the reference. All terms are positive, so nothing cancels. */
const tolerance = 1e-5;
const binCount = 256;
/** Matrices are the largest squares that fit the arrays, up to this size, so that products do not dominate the time. */
const maxMatrixLength = 64;

/** Field add, saxpy, sum, histogram and matrix product on arrays of about `size` elements, each with its own inputs. */
export function kernelJobs(size: number): KernelJob[] {
  const [a, b] = [positive(size), positive(size)];
  const alpha = 0.75;
  const values = Uint32Array.from({ length: size }, () => Math.floor(Math.random() * binCount));
  const m = Math.max(Math.min(Math.floor(Math.sqrt(size)), maxMatrixLength), 1);
  const dims = { m, k: m, n: m };
  const [left, right] = [a.subarray(0, m * m), b.subarray(0, m * m)];
  const expected = {
    fieldAdd: fieldAddReference(a, b),
    saxpy: saxpyReference(alpha, a, b),
    sum: [sumReference(a)],
    histogram: histogramReference(values, binCount),
    matrixProduct: matrixProductReference(left, right, dims),
  };
  return [
    async (backend) => {
      const { c } = await backend.run(fieldAddSpirv, { a, b, c: output(Float32Array, size) });
      checkResult("Field add", expected.fieldAdd, c);
    },
    async (backend) => {
      const { y } = await backend.run(saxpySpirv, { alpha, x: a, y: inout(b) });
      checkResult("Saxpy", expected.saxpy, y, tolerance);
    },
    async (backend) => {
      const { sum } = await backend.run(sumSpirv, { values: a, sum: output(Float32Array, 1) });
      checkResult("Sum", Float32Array.from(expected.sum), sum, tolerance);
    },
    async (backend) => {
      const { counts } = await backend.run(histogramSpirv, { values, counts: output(Uint32Array, binCount) });
      checkResult("Histogram", expected.histogram, counts);
    },
    async (backend) => {
      const bindings = { dims, a: left, b: right, c: output(Float32Array, m * m) };
      const { c } = await backend.run(matrixProduct, bindings);
      checkResult("Matrix product", expected.matrixProduct, c, tolerance);
    },
  ];
}

function positive(length: number): Float32Array {
  return Float32Array.from({ length }, () => 0.5 + Math.random());
}
