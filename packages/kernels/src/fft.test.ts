import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { defineFft, fftReference } from "./fft.js";

test("the reference transforms each batch, and back", () => {
  const values = Float32Array.of(1, 0, 2, 0, 3, 0, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0);
  const transformed = fftReference(values, { length: 4 });
  // Cosines are not exact; a zero gets no sign.
  const numbersOf = (results: Float32Array) => Array.from(results, (value) => Math.round(value * 1e6) / 1e6 + 0);
  expect(numbersOf(transformed)).toEqual([10, 0, -2, 2, -2, 0, -2, -2, 0, 1, 0, 1, 0, 1, 0, 1]);
  expect(numbersOf(fftReference(transformed, { length: 4, isInverse: true }))).toEqual([...values]);
});

test.each([
  [1, 1, 1],
  [2048, 1, 1],
  [2048, 3, 1],
  [4096, 1, 2],
  [2 ** 16, 1, 2],
  [2 ** 17, 1, 3],
  [2 ** 24, 1, 3],
])(
  "a transform of %i numbers, %i times, takes %i passes, the last of which writes the results",
  (length, batches, count) => {
    const values = new Float32Array(2 * length * batches);
    const bindings = { values, results: output(Float32Array, values.length) };
    const passes = defineFft({ label: "f", length }).passes(bindings);
    expect(passes).toHaveLength(count);
    for (const [i, pass] of passes.entries()) {
      expect(pass.workgroups).toBe(Math.ceil((length * batches) / 2048));
      expect(pass.bindings!.values).toBe(i === 0 ? "values" : passes[i - 1]!.bindings!.results);
    }
    expect(passes.at(-1)!.bindings!.results).toBe("results");
  },
);

test.each([0, 3, 0.5, 2 ** 28, Number.NaN])("refuses a length of %d", (length) => {
  expect(() => defineFft({ label: "f", length })).toThrow(
    `Kernel "f": "length" must be a power of two, from 1 to 134217728; got ${length}.`,
  );
});

test("refuses values that are not whole transforms", () => {
  const kernel = defineFft({ label: "f", length: 4 });
  expect(() => kernel.passes({ values: new Float32Array(12), results: output(Float32Array, 12) })).toThrow(
    'Kernel "f": "values" must have a multiple of 8 elements, 4 complex numbers for each transform; got 12.',
  );
  expect(() => kernel.passes({ values: new Float32Array(8), results: output(Float32Array, 16) })).toThrow(
    'Kernel "f": "results" must have as many elements as "values", 8; got 16.',
  );
});
