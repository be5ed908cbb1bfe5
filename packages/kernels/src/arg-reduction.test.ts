import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { argMaxReference, argMinReference, defineArgMin } from "./arg-reduction.js";

test("the references find the first extreme, or the first NaN", () => {
  expect(argMinReference(Int32Array.of(3, -1, 4, -1))).toBe(1);
  expect(argMaxReference(Uint32Array.of(3, 4, 4))).toBe(1);
  expect(argMinReference(Float32Array.of(0, -0))).toBe(0);
  expect(argMaxReference(Float32Array.of(1, Number.NaN, 5, Number.NaN))).toBe(1);
});

test("one workgroup finds the index among few values; more leave their best to another", () => {
  const workgroupsOf = (length: number) =>
    defineArgMin("least", "f32")
      .passes({ values: new Float32Array(length), index: output(Uint32Array, 1) })
      .map(({ workgroups }) => workgroups);
  expect(workgroupsOf(4096)).toEqual([1]);
  expect(workgroupsOf(4097)).toEqual([2, 1]);
  expect(workgroupsOf(2 ** 24)).toEqual([1024, 1]);
});
