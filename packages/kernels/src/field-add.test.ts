import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import { fieldAdd, fieldAddReference, fieldAddSpirv, runFieldAdd } from "./field-add.js";

test("the reference adds element by element and rounds to f32", () => {
  expect([...fieldAddReference(new Float32Array([1, -2, 0.5]), new Float32Array([4, 2, 0.25]))]).toEqual([5, 0, 0.75]);
  const [sum] = fieldAddReference(new Float32Array([2 ** 24]), new Float32Array([1]));
  expect(sum).toBe(2 ** 24);
});

test("runs the WGSL kernel unless SPIR-V is requested", async () => {
  const { backend, runs } = recordingBackend();
  const a = new Float32Array(3);
  await runFieldAdd(backend, a, a);
  await runFieldAdd(backend, a, a, { from: "wgsl" });
  await runFieldAdd(backend, a, a, { from: "spirv" });
  expect(runs.map((run) => run.kernel)).toEqual([fieldAdd, fieldAdd, fieldAddSpirv]);
});

test("passes the run's options on, without its own", async () => {
  const { backend, runs } = recordingBackend();
  const { signal } = new AbortController();
  await runFieldAdd(backend, new Float32Array(1), new Float32Array(1), { from: "spirv", signal, timeoutMs: 100 });
  expect(runs[0]!.options).toEqual({ signal, timeoutMs: 100 });
});

test("gives an empty array for two empty ones", async () => {
  const { backend } = recordingBackend();
  expect(await runFieldAdd(backend, new Float32Array(0), new Float32Array(0))).toEqual(new Float32Array(0));
});

test("refuses arrays of different lengths before it runs", async () => {
  const { backend, runs } = recordingBackend();
  await expect(runFieldAdd(backend, new Float32Array(3), new Float32Array(4))).rejects.toMatchObject({
    code: "invalid-binding",
    message: 'runFieldAdd: "a" and "b" must have the same length; got 3 and 4 elements.',
  });
  expect(runs).toEqual([]);
});
