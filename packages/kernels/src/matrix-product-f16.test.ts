import { type DeviceInfo, output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import {
  halfToNumber,
  matrixProductF16,
  matrixProductF16For,
  matrixProductF16Reference,
  matrixProductF16Subgroups,
  runMatrixProductF16,
} from "./matrix-product-f16.js";

const matrices = { componentType: "f16", resultComponentType: "f32", M: 16, N: 16, K: 16 };
const capable = {
  features: ["shader-f16"],
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  subgroupMatrices: [matrices],
} as unknown as DeviceInfo;

test.each([
  [0x0000, 0],
  [0x3c00, 1],
  [0xc000, -2],
  [0x3555, 0.333251953125],
  [0x7bff, 65504],
  [0x0001, 2 ** -24],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0xfc00, Number.NEGATIVE_INFINITY],
  [0x7e00, Number.NaN],
])("the bits %i are the f16 %d", (bits, number) => {
  expect(halfToNumber(bits)).toBe(number);
});

test("the reference multiplies f16", () => {
  const [one, half, minusTwo] = [0x3c00, 0x3800, 0xc000];
  const product = matrixProductF16Reference(Uint16Array.of(one, half, minusTwo, one), Uint16Array.of(half, one), {
    m: 2,
    k: 2,
    n: 1,
  });
  expect([...product]).toEqual([1, 0]);
});

test("a device that multiplies such matrices gets the kernel by subgroups, any other the one by f32", () => {
  expect(matrixProductF16For(capable)).toBe(matrixProductF16Subgroups);
  for (const lacking of [
    { features: [] },
    { subgroupMinSize: 16 },
    { subgroupMaxSize: 64 },
    { subgroupMatrices: [] },
    { subgroupMatrices: [{ ...matrices, resultComponentType: "f16" }] },
    { subgroupMatrices: [{ ...matrices, N: 8 }] },
  ]) {
    expect(matrixProductF16For({ ...capable, ...lacking })).toBe(matrixProductF16);
  }
});

test("only matrices that are not whole blocks are padded", () => {
  const programsOf = (m: number, k: number, n: number) => {
    const bindings = { dims: { m, k, n }, a: null as never, b: null as never, c: output(Float32Array, m * n) };
    return matrixProductF16Subgroups.passes(bindings).map(({ program }) => program);
  };
  expect(programsOf(64, 64, 128)).toEqual(["small"]);
  expect(programsOf(4096, 4096, 4096)).toEqual(["large"]);
  expect(programsOf(64, 63, 128)).toEqual(["pad-a", "pad-b", "small"]);
  expect(programsOf(63, 64, 128)).toEqual(["pad-a", "small", "crop"]);
  expect(programsOf(64, 64, 127)).toEqual(["pad-b", "small", "crop"]);
});

test("a product without terms is zeros, without a run, and wrong lengths are refused", async () => {
  const { backend, runs } = recordingBackend();
  expect(await runMatrixProductF16(backend, new Uint16Array(0), new Uint16Array(0), { m: 2, k: 0, n: 3 })).toEqual(
    new Float32Array(6),
  );
  await expect(
    runMatrixProductF16(backend, new Uint16Array(5), new Uint16Array(6), { m: 2, k: 3, n: 2 }),
  ).rejects.toMatchObject({
    code: "invalid-binding",
    message: 'runMatrixProductF16: "a" must have 2×3, 6 elements; got 5.',
  });
  expect(runs).toEqual([]);
});
