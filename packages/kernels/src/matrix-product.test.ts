import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import {
  defineMatrixProduct,
  matrixProduct,
  matrixProductReference,
  matrixProductSpirv,
  runMatrixProduct,
} from "./matrix-product.js";

test("the reference multiplies row by column", () => {
  const a = new Float32Array([1, 2, 3, 4, 5, 6]);
  const b = new Float32Array([7, 8, 9, 10, 11, 12]);
  expect([...matrixProductReference(a, b, { m: 2, k: 3, n: 2 })]).toEqual([58, 64, 139, 154]);
  expect([...matrixProductReference(a, b, { m: 1, k: 6, n: 1 })]).toEqual([7 + 16 + 27 + 40 + 55 + 72]);
  expect([...matrixProductReference(a.subarray(0, 2), b.subarray(0, 2), { m: 2, k: 1, n: 2 })]).toEqual([7, 8, 14, 16]);
});

const passesOf = (kernel: typeof matrixProduct, m: number, k: number, n: number) => {
  const empty = new Float32Array(0);
  return kernel.passes({ dims: { m, k, n }, a: empty, b: empty, c: output(Float32Array, m * n) });
};

test.each([
  [2, 3, 5, "small", [1, 1]],
  [33, 4, 64, "small-aligned", [2, 2]],
  [512, 512, 512, "small-aligned", [16, 16]],
  [197 * 64, 4, 64, "small-aligned", [2, 394]],
  [197 * 64 + 1, 4, 64, "medium-aligned", [1, 198]],
  [1024, 1023, 1024, "medium", [16, 16]],
  [197 * 128 + 1, 4, 128, "large-aligned", [1, 198]],
  [128, 65_535 * 32 + 4, 200 * 128, "large-aligned", [200, 1]],
])(
  "a product of %d×%d by %d columns runs the largest blocks that keep a GPU busy, by vec4 where rows are whole vec4s",
  (m, k, n, program, workgroups) => {
    expect(passesOf(matrixProduct, m, k, n)).toEqual([{ program, workgroups }]);
  },
);

test.each([
  [3333, 4, 1024, "large-transposed", [8, 27], [1, 105]],
  [2048, 2048, 2048, "large-transposed-aligned", [16, 16], [64, 64]],
  [2048, 2048, 2047, "large-transposed", [16, 16], [64, 64]],
])("before a large product, of %d×%d by %d columns, a is transposed", (m, k, n, program, workgroups, squares) => {
  expect(passesOf(matrixProduct, m, k, n)).toEqual([
    { program: "transpose", workgroups: squares },
    { program, bindings: { a: "transposed" }, workgroups },
  ]);
});

test("the SPIR-V kernel runs one thread for each element of the product", () => {
  expect(passesOf(matrixProductSpirv, 2, 3, 5)).toEqual([{ program: "main", threads: [5, 2] }]);
});

test.each(Object.entries(matrixProduct.programs).filter(([name]) => name !== "transpose"))(
  "program %s fits every WebGPU device",
  (_, { wgsl }) => {
    const tiles = [...wgsl!.matchAll(/var<workgroup> \w+: array<array<vec4f, (\d+)>, (\d+)>;/g)];
    expect(tiles).toHaveLength(2);
    const byteLength = tiles.reduce((total, [, columns, rows]) => total + 16 * Number(columns) * Number(rows), 0);
    expect(byteLength).toBeLessThanOrEqual(16_384);
    const [, threads] = wgsl!.match(/@workgroup_size\((\d+)\)/)!;
    expect(Number(threads)).toBeLessThanOrEqual(256);
  },
);

test("binds the dimensions and an m×n output, from either language", async () => {
  const { backend, runs } = recordingBackend();
  const a = new Float32Array(6);
  const b = new Float32Array(15);
  const dims = { m: 2, k: 3, n: 5 };
  expect(await runMatrixProduct(backend, a, b, dims)).toHaveLength(10);
  await runMatrixProduct(backend, a, b, dims, { from: "spirv" });
  expect(runs.map((run) => run.kernel)).toEqual([matrixProduct, matrixProductSpirv]);
  expect(runs[0]!.bindings).toEqual({ dims, a, b, c: output(Float32Array, 10) });
});

test("a product over no terms is zeros, without a run", async () => {
  const { backend, runs } = recordingBackend();
  const empty = new Float32Array(0);
  expect(await runMatrixProduct(backend, empty, empty, { m: 2, k: 0, n: 2 })).toEqual(new Float32Array(4));
  expect(runs).toEqual([]);
});

test("refuses a matrix whose length does not fit its dimensions", async () => {
  const { backend } = recordingBackend();
  const six = new Float32Array(6);
  await expect(runMatrixProduct(backend, new Float32Array(5), six, { m: 2, k: 3, n: 2 })).rejects.toMatchObject({
    code: "invalid-binding",
    message: 'runMatrixProduct: "a" must have 2×3, 6 elements; got 5.',
  });
  await expect(runMatrixProduct(backend, six, six, { m: 2, k: 3, n: 4 })).rejects.toMatchObject({
    code: "invalid-binding",
    message: 'runMatrixProduct: "b" must have 3×4, 12 elements; got 6.',
  });
});

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d as a dimension", async (dim) => {
  const { backend } = recordingBackend();
  const six = new Float32Array(6);
  await expect(runMatrixProduct(backend, six, six, { m: 2, k: dim, n: 2 })).rejects.toMatchObject({
    code: "invalid-binding",
    message: `runMatrixProduct: "k" must be a whole number, 0 or more; got ${dim}.`,
  });
});

const batched = defineMatrixProduct({ label: "products", isATransposed: true });
const batchOf = (m: number, k: number, n: number, batches: number) => ({
  dims: { m, k, n },
  a: new Float32Array(batches * m * k),
  b: new Float32Array(batches * k * n),
  c: output(Float32Array, batches * m * n),
});

test.each([
  [33, 3, 64, 1, "small", [2, 2]],
  [36, 3, 64, 5, "small-aligned", [2, 2, 5]],
  [128, 4, 128, 200, "large-aligned", [1, 1, 200]],
] as const)(
  "a batch of %i×%i by %i columns, %i times, is one dispatch, and vec4s where the rows in memory are whole ones",
  (m, k, n, batches, program, workgroups) => {
    expect(batched.passes(batchOf(m, k, n, batches))).toEqual([{ program, workgroups }]);
  },
);

test("refuses matrices that are not one for each product", () => {
  const batch = batchOf(2, 3, 4, 2);
  expect(() => batched.passes({ ...batch, a: new Float32Array(13) })).toThrow(
    'Kernel "products": "a" must have 4×3, 12 elements; got 13.',
  );
  expect(() => batched.passes({ ...batch, c: output(Float32Array, 17) })).toThrow(
    'Kernel "products": "c" must have a multiple of 2×4, 8 elements; got 17.',
  );
});
