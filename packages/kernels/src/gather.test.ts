import { inout, output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { defineGather, defineScatter, gatherReference, scatterReference } from "./gather.js";

test("the reference gathers 0 for an index beyond the end", () => {
  expect([...gatherReference(Float32Array.of(1, 2, 3), Uint32Array.of(2, 3, 0, 2))]).toEqual([3, 0, 1, 3]);
});

test("the reference scatters into a copy, and skips an index beyond the end", () => {
  const results = Int32Array.of(7, 8, 9);
  expect([...scatterReference(Int32Array.of(1, 2, 3), Uint32Array.of(2, 3, 0), results)]).toEqual([3, 8, 1]);
  expect([...results]).toEqual([7, 8, 9]);
});

test("refuses arrays that are not as long as the indices", () => {
  const [values, indices] = [new Float32Array(3), new Uint32Array(2)];
  expect(() => defineGather("g", "f32").passes({ values, indices, results: output(Float32Array, 3) })).toThrow(
    'Kernel "g": "results" must have as many elements as "indices", 2; got 3.',
  );
  expect(() => defineScatter("s", "f32").passes({ values, indices, results: inout(values) })).toThrow(
    'Kernel "s": "indices" must have as many elements as "values", 3; got 2.',
  );
});
