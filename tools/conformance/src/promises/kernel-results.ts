import { type Bindings, type ComputeBackend, inout, type Kernel, output } from "@kiln-gpu/core";
import {
  defineRadixSort,
  defineRadixSortPairs,
  defineReduction,
  defineScan,
  exclusiveScan,
  exclusiveScanReference,
  fieldAddReference,
  histogram,
  histogramReference,
  type MatrixDims,
  matrixProductF16Reference,
  matrixProductReference,
  type NBodyState,
  nBody,
  nBodyReference,
  runExclusiveScan,
  runFieldAdd,
  runHistogram,
  runMatrixProduct,
  runMatrixProductF16,
  runNBody,
  runSaxpy,
  runSum,
  saxpyReference,
  sum,
  sumReference,
} from "@kiln-gpu/kernels";
import { expectClose, expectSame, RandomData } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { isBrief, type Suite, useBackend } from "../support/suite.js";

const lengths = [1, 3, 255, 257, 65_537];
/** For kernels with barriers: a software GPU compiles them slowly. */
const fewLengths = [1, 257, 65_537];
const oneLength = [65_537];

const matrices: readonly MatrixDims[] = [
  { m: 1, k: 1, n: 1 },
  { m: 1, k: 17, n: 1 },
  { m: 16, k: 16, n: 16 },
  { m: 17, k: 15, n: 33 },
  { m: 64, k: 1, n: 65 },
];

/** Large enough for large and medium blocks, with rows of whole vec4s and others; none is a multiple of the block. */
const largeMatrices: readonly MatrixDims[] = [
  { m: 197 * 128 + 1, k: 20, n: 100 },
  { m: 197 * 128 + 1, k: 19, n: 99 },
  { m: 197 * 64 + 1, k: 20, n: 60 },
  { m: 197 * 64 + 1, k: 19, n: 61 },
];

/** The largest relative error of one rounding to f32. */
const roundingError = 2 ** -24;

export function describeKernelResults(suite: Suite): void {
  const all = !isBrief(suite);

  describe.each(["wgsl", "spirv"] as const)("kernels from %s", (from) => {
    const backend = useBackend(suite);
    const data = new RandomData(from.length);

    it.each(all ? lengths : oneLength)("adds fields of %i", async (length) => {
      const [a, b] = [data.floats(length), data.floats(length)];
      expectSame(await runFieldAdd(backend(), a, b, { from }), fieldAddReference(a, b));
    });

    // For the other kernels a backend sees passes and memory, which the source language does not change.
    const isSeen = all || from === "wgsl";

    it.each(all ? lengths : oneLength)("computes saxpy of %i", async (length) => {
      const [x, y, alpha] = [data.floats(length), data.floats(length), data.float()];
      const tolerance = (i: number) => 2 * roundingError * (Math.abs(alpha * x[i]!) + Math.abs(y[i]!));
      expectClose(await runSaxpy(backend(), alpha, x, y, { from }), saxpyReference(alpha, x, y), tolerance);
    });

    it.runIf(isSeen).each(all ? fewLengths : oneLength)("sums %i values", async (length) => {
      const values = data.floats(length);
      const magnitude = values.reduce((total, value) => total + Math.abs(value), 0);
      const tolerance = (length / 262_144 + 20) * roundingError * magnitude;
      expect(Math.abs((await runSum(backend(), values, { from })) - sumReference(values))).toBeLessThanOrEqual(
        tolerance,
      );
    });

    it.runIf(isSeen).each(all ? [...fewLengths, 2048] : oneLength)("scans %i values", async (length) => {
      const values = data.words(length);
      expectSame(await runExclusiveScan(backend(), values, { from }), exclusiveScanReference(values));
    });

    it.runIf(all).each(matrices)("multiplies $m by $k by $n", async (dims) => {
      const { m, k, n } = dims;
      const [a, b] = [data.floats(m * k), data.floats(k * n)];
      const product = await runMatrixProduct(backend(), a, b, dims, { from });
      // Each term is below 4 in magnitude.
      expectClose(product, matrixProductReference(a, b, dims), () => 4 * k * (k + 1) * roundingError);
    });

    it.runIf(all).each([[65_537, 4096]])("counts %i values in %i bins", async (length, binCount) => {
      // A quarter of the values lie beyond the bins.
      const values = data.words(length, Math.ceil((binCount * 4) / 3));
      expectSame(await runHistogram(backend(), values, binCount, { from }), histogramReference(values, binCount));
    });
  });

  describe("kernels of any associative operation", () => {
    const backend = useBackend(suite);
    const data = new RandomData(17);
    // Two blocks and an odd number more.
    const length = 2 * 4096 + 3;

    it("find the greatest and the least", async () => {
      const values = data.floats(length);
      for (const [combine, identity, expected] of [
        ["max(a, b)", "-3.4028234663852886e38", Math.max(...values)],
        ["min(a, b)", "3.4028234663852886e38", Math.min(...values)],
      ] as const) {
        const kernel = defineReduction({ label: combine, type: "f32", combine, identity });
        const { result } = await backend().run(kernel, { values, result: output(Float32Array, 1) });
        expect(result).toEqual(Float32Array.of(expected));
      }
    });

    it("keep the order of an operation that is not commutative", async () => {
      const values = data.words(length, 10);
      values.fill(0, length - 5000);
      const lastOf = { type: "u32", combine: "select(a, b, b != 0)", identity: "0" } as const;
      const last = defineReduction({ ...lastOf, label: "last", isCommutative: false });
      const { result } = await backend().run(last, { values, result: output(Uint32Array, 1) });
      expect(result[0]).toBe(values.findLast((value) => value !== 0));
      const lasts = defineScan({ ...lastOf, label: "lasts", isInclusive: true });
      const { prefixes } = await backend().run(lasts, { values, prefixes: output(Uint32Array, length) });
      let reached = 0;
      expectSame(
        prefixes,
        values.map((value) => {
          reached = value === 0 ? reached : value;
          return reached;
        }),
      );
    });

    it.runIf(all)("sort numbers of each type, stably", async () => {
      const words = data.words(length);
      for (const [type, keys] of [
        ["u32", words],
        ["i32", new Int32Array(words)],
        ["f32", data.floats(length)],
      ] as const) {
        const kernel = defineRadixSort(`sort-${type}`, type) as Kernel<Bindings>;
        const outputOf = output(keys.constructor as Uint32ArrayConstructor, length);
        const { sortedKeys } = await backend().run(kernel, { keys, sortedKeys: outputOf });
        expectSame(sortedKeys as typeof words, keys.slice().sort() as typeof words);
      }
      // A NaN, one with its sign set, -0, 0, the least numbers and the infinities.
      const bits = Uint32Array.of(0x7fc0_0000, 0xffc0_0000, 1 << 31, 0, 1, 0x8000_0001, 0x7f80_0000, 0xff80_0000);
      const sorted = await backend().run(defineRadixSort("sort-special", "f32"), {
        keys: new Float32Array(bits.buffer),
        sortedKeys: output(Float32Array, bits.length),
      });
      const expected = [0xffc0_0000, 0xff80_0000, 0x8000_0001, 0x8000_0000, 0, 1, 0x7f80_0000, 0x7fc0_0000];
      expect([...new Uint32Array(sorted.sortedKeys.buffer)]).toEqual(expected);
      const [keys, values] = [data.words(length, 50), data.words(length)];
      const { sortedKeys, sortedValues } = await backend().run(defineRadixSortPairs("pairs", "u32"), {
        keys,
        sortedKeys: output(Uint32Array, length),
        values,
        sortedValues: output(Uint32Array, length),
      });
      const order = Array.from(keys, (_, i) => i).sort((a, b) => keys[a]! - keys[b]! || a - b);
      expectSame(
        sortedKeys,
        Uint32Array.from(order, (i) => keys[i]!),
      );
      expectSame(
        sortedValues,
        Uint32Array.from(order, (i) => values[i]!),
      );
    });

    it.runIf(all)("multiply f16 matrices", async () => {
      const dims = { m: 17, k: 33, n: 5 };
      const halves = (count: number) => data.words(count, 0x7bff).map((bits) => bits & 0x3fff);
      const [a, b] = [new Uint16Array(halves(dims.m * dims.k)), new Uint16Array(halves(dims.k * dims.n))];
      const product = await runMatrixProductF16(backend(), a, b, dims);
      // Each term is below 4.
      expectClose(product, matrixProductF16Reference(a, b, dims), () => 4 * dims.k * (dims.k + 1) * roundingError);
    });
  });

  describe("one step of n bodies", () => {
    const backend = useBackend(suite);
    const data = new RandomData(3);
    const settings = { timeStep: 0.125, softening: 0.5 };

    it.each(all ? [1, 255, 257] : [257])("moves %i", async (count) => {
      const state = bodies(data, count);
      expectCloseState(await runNBody(backend(), state, settings), nBodyReference(state, settings), settings);
    });

    it("continues from the previous step", async () => {
      const state = bodies(data, 40);
      const middle = await runNBody(backend(), state, settings);
      expectCloseState(await runNBody(backend(), middle, settings), nBodyReference(middle, settings), settings);
    });
  });

  describe.runIf(all)("kernels in workgroups of another size", () => {
    const backend = useBackend(suite);
    const data = new RandomData(64);
    const values = data.words(5000, 15);

    it("sum the same", async () => {
      const bindings = { values: new Float32Array(values), sum: output(Float32Array, 1) };
      const results = await backend().run(sum.specialize({ workgroup_size: 64 }), bindings);
      expect(results.sum[0]).toBe(sumReference(bindings.values));
    });

    it("scan the same", async () => {
      const bindings = { values, prefixes: output(Uint32Array, values.length) };
      const { prefixes } = await backend().run(exclusiveScan.specialize({ workgroup_size: 64 }), bindings);
      expectSame(prefixes, exclusiveScanReference(values));
    });

    it("count the same", async () => {
      const { counts } = await backend().run(histogram.specialize({ workgroup_size: 64 }), {
        values,
        counts: output(Uint32Array, 16),
      });
      expectSame(counts, histogramReference(values, 16));
    });

    it("move bodies the same", async () => {
      const settings = { timeStep: 0.125, softening: 0.5 };
      const state = bodies(data, 65);
      const { positions, velocities } = state;
      const bindings = {
        settings,
        positions,
        velocities: inout(velocities),
        nextPositions: output(Float32Array, 65 * 4),
      };
      const moved = await backend().run(nBody.specialize({ workgroup_size: 64 }), bindings);
      const result = { positions: moved.nextPositions, velocities: moved.velocities };
      expectCloseState(result, nBodyReference(state, settings), settings);
    });
  });

  describe("kernels over many workgroups", () => {
    const backend = useBackend(suite);
    const data = new RandomData(20);

    it.runIf(all).each(largeMatrices)("multiply $m by $k by $n exactly", async (dims) => {
      const { m, k, n } = dims;
      const [a, b] = [new Float32Array(data.words(m * k, 64)), new Float32Array(data.words(k * n, 64))];
      expectSame(await runMatrixProduct(backend(), a, b, dims), matrixProductReference(a, b, dims));
    });

    it("sum whole numbers exactly", async () => {
      const values = new Float32Array(data.words(2 ** 20 + 1, 15));
      expect(await runSum(backend(), values)).toBe(sumReference(values));
    });

    it.runIf(all)("scan in three levels", async () => {
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
      const nobody = { positions: none, velocities: none };
      expect(await runNBody(gpu, nobody, { timeStep: 1, softening: 1 })).toEqual(nobody);
    });
  });
}

/** Bodies of mass 1 to 2, or of negative mass: those repel. */
function bodies(data: RandomData, count: number): NBodyState {
  return { positions: data.floats(count * 4), velocities: data.floats(count * 4) };
}

function expectCloseState(
  actual: NBodyState,
  expected: NBodyState,
  { timeStep, softening }: { readonly timeStep: number; readonly softening: number },
): void {
  const count = expected.positions.length / 4;
  // A pull is r m / (r² + ε²)^(3/2), at most 0.4 m / ε², and m is below 2. Each pull takes about 20 roundings, and
  // adding it takes one more.
  const pull = 0.8 / softening ** 2;
  const velocityError = count * pull * (count + 20) * roundingError * timeStep;
  const rounded = (value: number) => 2 * roundingError * Math.abs(value);
  expectClose(actual.velocities, expected.velocities, (i) => velocityError + rounded(expected.velocities[i]!));
  expectClose(
    actual.positions,
    expected.positions,
    (i) => velocityError * timeStep + rounded(4 + expected.positions[i]!),
  );
}
