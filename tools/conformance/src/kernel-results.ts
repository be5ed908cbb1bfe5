import type { ComputeBackend } from "@kiln-gpu/core";
import {
  exclusiveScanReference,
  fieldAddReference,
  histogramReference,
  type MatrixDims,
  matrixProductReference,
  runExclusiveScan,
  runFieldAdd,
  runHistogram,
  runMatrixProduct,
  runSaxpy,
  runSum,
  saxpyReference,
  sumReference,
} from "@kiln-gpu/kernels";
import { describe, expect, it } from "vitest";
import { expectClose, expectSame } from "./expectations.js";
import { RandomData } from "./random-data.js";
import { type Suite, useBackend } from "./suite.js";

const lengths = [1, 3, 255, 257, 65_537];
/** For kernels with barriers, which a software GPU takes long to compile. */
const fewLengths = [1, 257, 65_537];

const matrices: readonly MatrixDims[] = [
  { m: 1, k: 1, n: 1 },
  { m: 1, k: 17, n: 1 },
  { m: 16, k: 16, n: 16 },
  { m: 17, k: 15, n: 33 },
  { m: 64, k: 1, n: 65 },
];

/** The most that one rounding to f32 moves a number, relative to it. */
const roundingError = 2 ** -24;

export function describeKernelResults(suite: Suite): void {
  describe.each(["wgsl", "spirv"] as const)("kernels from %s", (from) => {
    const backend = useBackend(suite);
    const data = new RandomData(from.length);

    it.each(lengths)("adds fields of %i", async (length) => {
      const [a, b] = [data.floats(length), data.floats(length)];
      expectSame(await runFieldAdd(backend(), a, b, { from }), fieldAddReference(a, b));
    });

    it.each(lengths)("computes saxpy of %i", async (length) => {
      const [x, y, alpha] = [data.floats(length), data.floats(length), data.float()];
      const tolerance = (i: number) => 2 * roundingError * (Math.abs(alpha * x[i]!) + Math.abs(y[i]!));
      expectClose(await runSaxpy(backend(), alpha, x, y, { from }), saxpyReference(alpha, x, y), tolerance);
    });

    it.each(fewLengths)("sums %i values", async (length) => {
      const values = data.floats(length);
      const magnitude = values.reduce((total, value) => total + Math.abs(value), 0);
      const tolerance = (length / 262_144 + 20) * roundingError * magnitude;
      expect(Math.abs((await runSum(backend(), values, { from })) - sumReference(values))).toBeLessThanOrEqual(
        tolerance,
      );
    });

    it.each([...fewLengths, 2048])("scans %i values", async (length) => {
      const values = data.words(length);
      expectSame(await runExclusiveScan(backend(), values, { from }), exclusiveScanReference(values));
    });

    it.each(matrices)("multiplies $m by $k by $n", async (dims) => {
      const { m, k, n } = dims;
      const [a, b] = [data.floats(m * k), data.floats(k * n)];
      const product = await runMatrixProduct(backend(), a, b, dims, { from });
      // Each term is below 4 in magnitude.
      expectClose(product, matrixProductReference(a, b, dims), () => 4 * k * (k + 1) * roundingError);
    });

    it.each([[65_537, 4096]])("counts %i values in %i bins", async (length, binCount) => {
      // A quarter of the values is beyond the bins.
      const values = data.words(length, Math.ceil((binCount * 4) / 3));
      expectSame(await runHistogram(backend(), values, binCount, { from }), histogramReference(values, binCount));
    });
  });

  describe("kernels over many workgroups", () => {
    const backend = useBackend(suite);
    const data = new RandomData(20);

    it("sum whole numbers exactly", async () => {
      const values = new Float32Array(data.words(2 ** 20 + 1, 15));
      expect(await runSum(backend(), values)).toBe(sumReference(values));
    });

    it("scan in three levels", async () => {
      const values = data.words(2048 * 2048 + 5);
      expectSame(await runExclusiveScan(backend(), values), exclusiveScanReference(values));
    });
  });

  describe("results of no elements", () => {
    const backend = useBackend(suite);

    it("of every kernel are empty or zero", async () => {
      const none = new Float32Array(0);
      const gpu: ComputeBackend = backend();
      expectSame(await runFieldAdd(gpu, none, none), none);
      expectSame(await runSaxpy(gpu, 2, none, none), none);
      expect(await runSum(gpu, none)).toBe(0);
      expectSame(await runExclusiveScan(gpu, new Uint32Array(0)), new Uint32Array(0));
      expectSame(await runMatrixProduct(gpu, none, none, { m: 0, k: 3, n: 0 }), none);
      expectSame(await runMatrixProduct(gpu, none, none, { m: 2, k: 0, n: 3 }), new Float32Array(6));
      expectSame(await runHistogram(gpu, new Uint32Array(0), 4), new Uint32Array(4));
    });
  });
}
