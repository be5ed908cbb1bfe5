import { matrixProductReference } from "@kiln-gpu/kernels";
import { describe, expect, test } from "vitest";
import { maxReferenceLength, productCheck } from "./matrix-product.js";

describe.each([
  ["element by element", 32],
  ["by random signs", maxReferenceLength + 4],
])("a product checked %s", (_, n) => {
  const matrix = () => Float32Array.from({ length: n * n }, () => 0.5 + Math.random());
  const [a, b] = [matrix(), matrix()];
  const check = productCheck(a, b, n);
  const c = matrixProductReference(a, b, { m: n, k: n, n });

  test("passes if it is right", () => {
    check("The product", c);
  });

  test.each<[string, (value: number) => number]>([
    ["not written", () => 0],
    ["not a number", () => Number.NaN],
    ["off by a hundredth", (value) => value * 1.01],
  ])("is refused if one element is %s", (_, spoil) => {
    const spoilt = c.slice();
    const at = Math.floor(Math.random() * spoilt.length);
    spoilt[at] = spoil(spoilt[at]!);
    expect(() => check("The product", spoilt)).toThrow(/^The product/);
  });
});
