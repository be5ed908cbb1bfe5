import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { type ConvolutionBorder, convolution2dReference, defineConvolution2d } from "./convolution.js";

test.each([
  ["zero", [2, 8, 11, 21, 11]],
  ["clamp", [5, 8, 11, 21, 15]],
  ["wrap", [14, 8, 11, 21, 12]],
] as const)("the reference takes what is outside by the border %s", (border, expected) => {
  // 1, 2 and 3 multiply the next number, the number itself and the one before it.
  const size = { width: 5, height: 1 };
  const shape = { columns: 3, rows: 1, border };
  const results = convolution2dReference(Float32Array.of(1, 0, 5, 1, 4), Float32Array.of(1, 2, 3), size, shape);
  expect([...results]).toEqual([...expected]);
});

test("each workgroup computes a tile of 32 by 64, or 32 by 32 where the weights need more memory", () => {
  const workgroupsOf = (side: number) =>
    defineConvolution2d({ label: "c", columns: side, rows: side }).passes({
      size: { width: 100, height: 100 },
      image: new Float32Array(10_000),
      weights: new Float32Array(side * side),
      results: output(Float32Array, 10_000),
    })[0]!.workgroups;
  expect(workgroupsOf(3)).toEqual([4, 2]);
  expect(workgroupsOf(31)).toEqual([4, 4]);
});

test("the tile of the largest weights fits every WebGPU device", () => {
  const { wgsl } = defineConvolution2d({ label: "c", columns: 31, rows: 31 }).programs.convolve!;
  const [, numbers] = wgsl!.match(/var<workgroup> tile: array<f32, (\d+)>;/)!;
  expect(4 * Number(numbers)).toBeLessThanOrEqual(16_384);
});

test("refuses weights that are not odd by odd, an unknown border and arrays of other sizes", () => {
  expect(() => defineConvolution2d({ label: "c", columns: 4, rows: 3 })).toThrow(
    'Kernel "c": "columns" must be an odd number from 1 to 31; got 4.',
  );
  expect(() => defineConvolution2d({ label: "c", columns: 3, rows: 33 })).toThrow(
    'Kernel "c": "rows" must be an odd number from 1 to 31; got 33.',
  );
  expect(() => defineConvolution2d({ label: "c", columns: 3, rows: 3, border: "mirror" as ConvolutionBorder })).toThrow(
    'Kernel "c": "border" must be "zero", "clamp" or "wrap"; got "mirror".',
  );
  const kernel = defineConvolution2d({ label: "c", columns: 3, rows: 3 });
  expect(() =>
    kernel.passes({
      size: { width: 4, height: 3 },
      image: new Float32Array(13),
      weights: new Float32Array(9),
      results: output(Float32Array, 12),
    }),
  ).toThrow('Kernel "c": "image" must have 3 rows of 4, 12 elements; got 13.');
});
