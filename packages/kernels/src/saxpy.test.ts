import { inout } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import { runSaxpy, saxpy, saxpyReference, saxpySpirv } from "./saxpy.js";

test("the reference scales, adds, and leaves y alone", () => {
  const y = new Float32Array([10, 20, 30]);
  expect([...saxpyReference(2, new Float32Array([1, -2, 0.5]), y)]).toEqual([12, 16, 31]);
  expect([...y]).toEqual([10, 20, 30]);
});

test("the reference rounds alpha to f32, as a uniform does", () => {
  const rounded = Math.fround(Math.fround(0.1) * 9);
  expect(rounded).not.toBe(Math.fround(0.1 * 9));
  expect(saxpyReference(0.1, new Float32Array([9]), new Float32Array([0]))[0]).toBe(rounded);
});

test("binds y in place, from either language", async () => {
  const { backend, runs } = recordingBackend();
  const x = new Float32Array([1]);
  const y = new Float32Array([2]);
  expect([...(await runSaxpy(backend, 3, x, y))]).toEqual([2]);
  await runSaxpy(backend, 3, x, y, { from: "spirv" });
  expect(runs.map((run) => run.kernel)).toEqual([saxpy, saxpySpirv]);
  expect(runs[0]!.bindings).toEqual({ alpha: 3, x, y: inout(y) });
});

test("refuses arrays of different lengths", async () => {
  const { backend } = recordingBackend();
  await expect(runSaxpy(backend, 1, new Float32Array(2), new Float32Array(1))).rejects.toMatchObject({
    code: "invalid-binding",
    message: 'runSaxpy: "x" and "y" must have the same length; got 2 and 1 elements.',
  });
});
