import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { compactionReference, defineCompaction, defineFilter, uniqueReference } from "./compaction.js";

const filter = defineFilter({ label: "positive", type: "f32", keep: "value > 0" });
const filterOf = (length: number) => ({
  values: new Float32Array(length),
  kept: output(Float32Array, length),
  count: output(Uint32Array, 1),
});

test("the references keep values in their order", () => {
  expect([...compactionReference(Int32Array.of(5, 6, 7, 8), Uint32Array.of(0, 2, 1, 0))]).toEqual([6, 7]);
  expect([...uniqueReference(Uint32Array.of(1, 1, 2, 1))]).toEqual([1, 2, 1]);
  expect([...uniqueReference(Float32Array.of(0, -0, Number.NaN, Number.NaN))]).toEqual([0, Number.NaN]);
});

test.each([
  [1, 1],
  [8192, 1],
  [8193, 2],
  [1024 * 8192, 1024],
  [1024 * 8192 + 1, 513],
  [2 ** 29, 1024],
])("%i values are dealt out to %i workgroups, as one workgroup can scan their counts", (length, workgroups) => {
  expect(filter.passes(filterOf(length)).map((pass) => pass.workgroups)).toEqual([workgroups, 1, workgroups]);
});

test("refuses flags that are not one for each value", () => {
  const compaction = defineCompaction("compact", "f32");
  expect(() => compaction.passes({ ...filterOf(4), flags: new Uint32Array(3) })).toThrow(
    'Kernel "compact": "flags" must have as many elements as "values", 4; got 3.',
  );
});
