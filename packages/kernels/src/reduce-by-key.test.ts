import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { defineReduceByKey, reduceByKeyReference } from "./reduce-by-key.js";

test("the reference combines the values of neighbors with one key, in their order", () => {
  const keys = Uint32Array.of(3, 3, 1, 3);
  const { groupKeys, results } = reduceByKeyReference(keys, Float32Array.of(1, 2, 5, 7), (a, b) => a - b);
  expect([...groupKeys]).toEqual([3, 1, 3]);
  expect([...results]).toEqual([-1, 5, 7]);
});

test("refuses arrays whose lengths do not fit together", () => {
  const kernel = defineReduceByKey({ label: "sums", keyType: "u32", type: "f32", combine: "a + b", identity: "0" });
  const bindings = {
    keys: new Uint32Array(4),
    values: new Float32Array(4),
    groupKeys: output(Uint32Array, 4),
    results: output(Float32Array, 4),
    count: output(Uint32Array, 1),
  };
  expect(() => kernel.passes({ ...bindings, values: new Float32Array(5) })).toThrow(
    'Kernel "sums": "values" must have as many elements as "keys", 4; got 5.',
  );
  expect(() => kernel.passes({ ...bindings, results: output(Float32Array, 3) })).toThrow(
    'Kernel "sums": "results" must have as many elements as "groupKeys", 4; got 3.',
  );
});
