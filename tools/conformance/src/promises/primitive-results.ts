import { type Bindings, type ComputeBackend, inout, type Kernel, output, type TypedArray } from "@kiln-gpu/core";
import {
  argMaxReference,
  argMinReference,
  type ConvolutionBorder,
  compactionReference,
  convolution2dReference,
  defineArgMax,
  defineArgMin,
  defineCompaction,
  defineConvolution2d,
  defineFft,
  defineFilter,
  defineGather,
  defineMatrixProduct,
  defineReduceByKey,
  defineScatter,
  defineUnique,
  fftReference,
  gatherReference,
  matrixProductReference,
  meanReference,
  type NumberArrays,
  type NumberType,
  randomGenerator,
  randomNormal,
  randomNormalReference,
  randomUniform,
  randomUniformReference,
  randomWords,
  randomWordsReference,
  reduceByKeyReference,
  runMean,
  scatterReference,
  uniqueReference,
} from "@kiln-gpu/kernels";
import { expectClose, expectSame, isLongRun, RandomData } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

/** Around vec4s, words of marks, workgroups and tiles; the last has several of each. */
const lengths = isLongRun ? [1, 63, 64, 65, 255, 8192, 8193, 3 * 8192 + 4] : [1, 65, 3 * 8192 + 4];
/** Chunks of several tiles, the last of which is not whole. */
const manyTiles = 1024 * 8192 + 8192 + 5;

/** The largest relative error of one rounding to f32. */
const roundingError = 2 ** -24;

type ConvolutionCase = readonly [
  width: number,
  height: number,
  columns: number,
  rows: number,
  border: ConvolutionBorder,
];
const convolutions: readonly ConvolutionCase[] = [
  [33, 63, 5, 3, "clamp"],
  [1, 1, 1, 1, "zero"],
  [65, 70, 3, 5, "zero"],
  [64, 65, 31, 31, "wrap"],
  [5, 7, 9, 11, "wrap"],
];

/**
 * The kernels that move, select and group numbers. A software GPU compiles them for minutes, and their results depend
 * on no mode.
 */
export function describePrimitiveResults(suite: Suite): void {
  describe.runIf(isLongRun || suite.isOfEachKernel)("primitives", () => {
    const backend = useBackend(suite);
    const data = new RandomData(29);

    describe.each(lengths)("of %i numbers", (length) => {
      it("keep those that are flagged", async () => {
        const values = data.floats(length);
        for (const flags of [data.words(length, 3).map((word) => word - 1), new Uint32Array(length)]) {
          const bindings = { values, flags, kept: output(Float32Array, length), count: output(Uint32Array, 1) };
          const { kept, count } = await backend().run(defineCompaction("compact", "f32"), bindings);
          expectCounted(kept, count, compactionReference(values, flags));
        }
      });

      it("keep those that a predicate holds for", async () => {
        const values = new Int32Array(data.words(length));
        const kernel = defineFilter({ label: "negative", type: "i32", keep: "value < 0" });
        const bindings = { values, kept: output(Int32Array, length), count: output(Uint32Array, 1) };
        const { kept, count } = await backend().run(kernel, bindings);
        expectCounted(
          kept,
          count,
          values.filter((value) => value < 0),
        );
      });

      it("keep each number that differs from the one before it", async () => {
        const values = data.words(length, 2);
        const bindings = { values, uniques: output(Uint32Array, length), count: output(Uint32Array, 1) };
        const { uniques, count } = await backend().run(defineUnique("unique", "u32"), bindings);
        expectCounted(uniques, count, uniqueReference(values));
      });

      it.each([1, 2, 40, length])("reduce groups of up to %i", async (most) => {
        const [keys, values] = [groups(data, length, most), new Float32Array(data.words(length, 15))];
        await expectReduced(backend(), keys, values);
      });
    });

    it.each(isLongRun ? [1, 65, 4096, 4097, 1024 * 4096 + 1] : [1, 4097])(
      "find the first extremes of %i numbers",
      async (length) => {
        const words = data.words(length, 2000);
        const floats = new Float32Array(words.map((word) => word - 1)).map((value) => -value);
        const nan = floats.slice();
        nan[length >> 1] = Number.NaN;
        const zeros = new Float32Array(length).map((_, i) => (i % 2 === 0 ? 0 : -0));
        for (const [type, values] of [
          ["u32", words],
          ["i32", new Int32Array(words).map((word) => word - 1000)],
          ["f32", floats],
          ["f32", nan],
          ["f32", zeros],
        ] as const) {
          const bindings = { values, index: output(Uint32Array, 1) };
          const least = await backend().run(defineArgMin("least", type) as Kernel<Bindings>, bindings);
          const greatest = await backend().run(defineArgMax("greatest", type) as Kernel<Bindings>, bindings);
          expectSame(least.index as Uint32Array, Uint32Array.of(argMinReference(values)));
          expectSame(greatest.index as Uint32Array, Uint32Array.of(argMaxReference(values)));
        }
      },
    );

    it.each([1, 4095, 4096, 4099])("have a mean of %i numbers", async (length) => {
      // Their sum is exact.
      const values = new Float32Array(data.words(length, 15));
      expect(await runMean(backend(), values)).toBe(Math.fround(meanReference(values)));
    });

    it.each(
      isLongRun
        ? [
            [1, 3],
            [64, 33],
            [4096, 2],
            [2 ** 17, 1],
          ]
        : [
            [1, 3],
            [64, 5],
          ],
    )("are transformed by frequency, %i in each of %i batches, and back", async (length, batches) => {
      const values = data.floats(2 * length * batches);
      const run = async (numbers: Float32Array, isInverse: boolean) => {
        const kernel = defineFft({ label: "transform", length, isInverse });
        const bindings = { values: numbers, results: output(Float32Array, numbers.length) };
        return (await backend().run(kernel, bindings)).results;
      };
      const results = await run(values, false);
      const expected = fftReference(values, { length });
      const greatest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expectClose(results, expected, () => 16 * roundingError * greatest);
      expectClose(await run(results, true), values, () => 1e-5);
    });

    it.each(convolutions)(
      "convolve an image of %i by %i with %i by %i weights, %s outside",
      async (width, height, columns, rows, border) => {
        const size = { width, height };
        // Their sums are exact.
        const image = new Float32Array(data.words(width * height, 15));
        const weights = new Float32Array(data.words(columns * rows, 15));
        const bindings = { size, image, weights, results: output(Float32Array, image.length) };
        const definition = { label: "convolve", columns, rows, border };
        const { results } = await backend().run(defineConvolution2d(definition), bindings);
        expectSame(results, convolution2dReference(image, weights, size, definition));
      },
    );

    it.each([1, 64, 1003])("are drawn at random, %i of each distribution", async (length) => {
      const generator = randomGenerator(42, 7, 2 ** 32 - 10);
      const words = await backend().run(randomWords, { generator, results: output(Uint32Array, length) });
      expectSame(words.results, randomWordsReference(length, generator));
      const uniform = await backend().run(randomUniform, { generator, results: output(Float32Array, length) });
      expectSame(uniform.results, randomUniformReference(length, generator));
      const normal = await backend().run(randomNormal, { generator, results: output(Float32Array, length) });
      // They are below 6, and each takes some roundings.
      expectClose(normal.results, randomNormalReference(length, generator), () => 6 * 8 * roundingError);
    });

    it.each(
      isLongRun
        ? [
            [false, true],
            [true, false],
            [true, true],
          ]
        : [[true, true]],
    )("multiply batches of matrices, transposed or not: %s, %s", async (isATransposed, isBTransposed) => {
      const kernel = defineMatrixProduct({ label: "products", isATransposed, isBTransposed });
      for (const [m, k, n] of [
        [17, 15, 33],
        [36, 20, 40],
      ] as const) {
        const batches = 3;
        const [a, b] = [batches * m * k, batches * k * n].map((length) => new Float32Array(data.words(length, 64)));
        const expected = new Float32Array(batches * m * n);
        for (let i = 0; i < batches; i += 1) {
          const left = a!.subarray(i * m * k, (i + 1) * m * k);
          const right = b!.subarray(i * k * n, (i + 1) * k * n);
          const [plainLeft, plainRight] = [
            isATransposed ? transposed(left, k, m) : left,
            isBTransposed ? transposed(right, n, k) : right,
          ];
          expected.set(matrixProductReference(plainLeft, plainRight, { m, k, n }), i * m * n);
        }
        const bindings = { dims: { m, k, n }, a: a!, b: b!, c: output(Float32Array, expected.length) };
        expectSame((await backend().run(kernel, bindings)).c, expected);
      }
    });

    it("keep no more than there is room for, and count all", async () => {
      const values = data.words(300);
      const bindings = { values, kept: output(Uint32Array, 100), count: output(Uint32Array, 1) };
      const kernel = defineFilter({ label: "all", type: "u32", keep: "true" });
      const { kept, count } = await backend().run(kernel, bindings);
      expectSame(kept, values.slice(0, 100));
      expect(count[0]).toBe(300);
    });

    it("compare floats as a set does", async () => {
      const nans = new Float32Array(Uint32Array.of(0x7fc0_0000, 0xffc0_0001).buffer);
      const values = Float32Array.of(-0, 0, 1, 1, nans[0]!, nans[1]!, -1, 1);
      const bindings = { values, uniques: output(Float32Array, 8), count: output(Uint32Array, 1) };
      const { uniques, count } = await backend().run(defineUnique("unique-floats", "f32"), bindings);
      expectCounted(uniques, count, uniqueReference(values));
      expect([...uniqueReference(values)]).toEqual([-0, 1, Number.NaN, -1, 1]);
    });

    it("reduce in order by an operation that is not commutative", async () => {
      const length = 2 * 8192 + 100;
      const [keys, values] = [groups(data, length, 6000), data.words(length, 4).map((word) => word - 1)];
      const combine = (a: number, b: number) => (b === 0 ? a : b);
      await expectReduced(backend(), keys, values, { combine: "select(a, b, b != 0)", reference: combine });
    });

    it.runIf(isLongRun)("select and reduce over many tiles", async () => {
      const values = data.words(manyTiles, 15);
      const bindings = { values, kept: output(Uint32Array, manyTiles), count: output(Uint32Array, 1) };
      const kernel = defineFilter({ label: "odd", type: "u32", keep: "value % 2 == 1" });
      const { kept, count } = await backend().run(kernel, bindings);
      expectCounted(
        kept,
        count,
        values.filter((value) => value % 2 === 1),
      );
      await expectReduced(backend(), groups(data, manyTiles, 50_000), values);
    });

    it.each(isLongRun ? [1, 63, 65, 256 * 65_535 + 7] : [1, 65])("gather and scatter %i numbers", async (length) => {
      const values = new Int32Array(Math.min(length, 1000)).map(() => data.word());
      // A few lie beyond the end.
      const indices = data.words(length, values.length + 10).map((word) => word - 1);
      const gathered = await backend().run(defineGather("gather", "i32"), {
        values,
        indices,
        results: output(Int32Array, length),
      });
      expectSame(gathered.results, gatherReference(values, indices));
      // Every index occurs once, in an order of its own; some lie beyond the end.
      const places = Uint32Array.from({ length }, (_, i) => length + 5 - i);
      const results = new Int32Array(length).fill(-1);
      const scattered = await backend().run(defineScatter("scatter", "i32"), {
        values: gathered.results,
        indices: places,
        results: inout(results),
      });
      expectSame(scattered.results, scatterReference(gathered.results, places, results));
    });
  });
}

/** Expects the first `count` elements of a result. */
function expectCounted<T extends TypedArray>(result: T, count: Uint32Array, expected: T): void {
  expect([...count]).toEqual([expected.length]);
  expectSame((result as unknown as Uint32Array).subarray(0, expected.length), expected);
}

/** The transpose of a matrix that is stored row by row. */
function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return matrix.map((_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!);
}

/** Random keys in groups of 1 to `most`; neighboring groups differ. */
function groups(data: RandomData, length: number, most: number): Int32Array {
  const keys = new Int32Array(length);
  let key = -5;
  for (let i = 0; i < length; ) {
    const end = Math.min(i + data.upTo(most), length);
    keys.fill(key, i, end);
    key += data.upTo(3);
    i = end;
  }
  return keys;
}

async function expectReduced(
  backend: ComputeBackend,
  keys: Int32Array,
  values: Float32Array | Uint32Array,
  { combine = "a + b", reference = (a: number, b: number) => a + b } = {},
): Promise<void> {
  const type = values instanceof Float32Array ? "f32" : "u32";
  const definition = { label: "by-key", keyType: "i32", type, combine, identity: "0" } as const;
  const { length } = keys;
  const { groupKeys, results, count } = await backend.run(defineReduceByKey(definition) as Kernel<Bindings>, {
    keys,
    values,
    groupKeys: output(Int32Array, length),
    results: output(values.constructor as Uint32ArrayConstructor, length),
    count: output(Uint32Array, 1),
  });
  const expected = reduceByKeyReference(keys, values, reference);
  expectCounted(groupKeys as Int32Array, count as Uint32Array, expected.groupKeys);
  expectCounted<NumberArrays[NumberType]>(results as Uint32Array, count as Uint32Array, expected.results);
}
