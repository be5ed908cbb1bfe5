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

test("one workgroup writes the sum of up to 1024 values itself", () => {
  for (const length of [1, 1024]) expect(sum.passes(bindingsOf(length))).toEqual([{ program: "sum", workgroups: 1 }]);
});

test("more values go through partial sums, one a workgroup and 1024 at most", () => {
  for (const [length, workgroups] of [
    [1025, 2],
    [1 << 20, 1024],
    [(1 << 20) + 1, 1024],
  ] as const) {
    expect(sum.passes(bindingsOf(length))).toEqual([
      { program: "sum", bindings: { sum: "partials" }, workgroups },
      { program: "sum", bindings: { values: "partials" }, workgroups: 1 },
    ]);
    expect(sum.temporaries(bindingsOf(length))).toEqual({
      partials: temporary(Float32Array, workgroups),
    });
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
