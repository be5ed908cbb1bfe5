import { output, temporary } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import { runSum, sum, sumReference, sumSpirv } from "./sum.js";

const bindingsOf = (length: number) => ({ values: new Float32Array(length), sum: output(Float32Array, 1) });

test("the reference sums in float64", () => {
  expect(sumReference(new Float32Array([1, 2.5, -4]))).toBe(-0.5);
  expect(sumReference(new Float32Array([2 ** 24, 1, 1]))).toBe(2 ** 24 + 2);
  expect(sumReference(new Float32Array(0))).toBe(0);
});

test.each([
  ["sum", sum, 4096],
  ["sum-spirv", sumSpirv, 1024],
])("one workgroup of %s writes the sum of a few values itself", (_, kernel, most) => {
  for (const length of [1, most]) {
    const passes = kernel.passes(bindingsOf(length));
    expect(passes).toHaveLength(1);
    expect(passes[0]).toMatchObject({ workgroups: 1 });
  }
});

test.each([
  ["sum", sum, 4096],
  ["sum-spirv", sumSpirv, 1024],
])("more values of %s go through partial sums, one a workgroup and 1024 at most", (_, kernel, most) => {
  for (const [length, workgroups] of [
    [most + 1, 2],
    [1024 * most, 1024],
    [1024 * most + 1, 1024],
  ] as const) {
    expect(kernel.passes(bindingsOf(length)).map((pass) => pass.workgroups)).toEqual([workgroups, 1]);
    expect(Object.values(kernel.temporaries(bindingsOf(length)))).toEqual([temporary(Float32Array, workgroups)]);
  }
});

test("gives a number, from either language", async () => {
  const { backend, runs } = recordingBackend();
  expect(await runSum(backend, new Float32Array(5))).toBe(0);
  await runSum(backend, new Float32Array(5), { from: "spirv" });
  expect(runs.map((run) => run.kernel)).toEqual([sum, sumSpirv]);
});

test("the sum of no values is 0, without a run", async () => {
  const { backend, runs } = recordingBackend();
  expect(await runSum(backend, new Float32Array(0))).toBe(0);
  expect(runs).toEqual([]);
});
