import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import { mean, meanReference, runMean } from "./mean.js";

test("the reference is the mean in float64", () => {
  expect(meanReference(Float32Array.of(1, 2, 6))).toBe(3);
  expect(meanReference(new Float32Array(0))).toBeNaN();
});

test("the last pass divides by the number of all values", () => {
  const passesOf = (length: number) => mean.passes({ values: new Float32Array(length), mean: output(Float32Array, 1) });
  expect(passesOf(4095)).toMatchObject([{ program: "unaligned-last", bindings: { count: 4095 } }]);
  expect(passesOf(8000)).toMatchObject([
    { program: "aligned", bindings: { result: "partials0" } },
    { program: "unaligned-last", bindings: { values: "partials0", result: "mean", count: 8000 } },
  ]);
});

test("the mean of no values is NaN, without a run", async () => {
  const { backend, runs } = recordingBackend();
  expect(await runMean(backend, new Float32Array(0))).toBeNaN();
  expect(runs).toEqual([]);
});
