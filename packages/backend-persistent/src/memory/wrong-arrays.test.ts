import { output, type ResidentArray } from "@kiln-gpu/core";
import { fieldAdd } from "@kiln-gpu/kernels";
import { expectError, RandomData } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import type { PersistentComputeBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(83);
const [a, b] = [data.floats(3), data.floats(3)];

const values: readonly [unknown, RegExp][] = [
  [[1, 2, 3], /an array of 3\. Give it as new Float32Array\(\[\.\.\.\]\)\.$/],
  [new ArrayBuffer(12), /an ArrayBuffer\. Give a view of it: new Float32Array\(buffer\)\.$/],
  [Promise.resolve(a), /a promise\. An `await` is probably missing\.$/],
];

const record = (gpu: PersistentComputeBackend, x: never) =>
  gpu.record({ a: x, c: output(Float32Array, 3) }, (run, references) => run(fieldAdd, { ...references, b }));

describe("a value that is nearly a typed array is refused with what to give instead", () => {
  it.each<[string, (gpu: PersistentComputeBackend, value: never, array: ResidentArray) => unknown, string]>([
    ["array", (gpu, value) => gpu.array(value), "invalid-option"],
    ["write", (_, value, array) => array.write(value), "invalid-option"],
    ["read", (_, into, array) => array.read({ into }), "invalid-option"],
    ["record", (gpu, value) => record(gpu, value), "invalid-binding"],
    ["replay", async (gpu, value) => (await record(gpu, a as never)).replay({ a: value }), "invalid-binding"],
    [
      "a recorded run",
      (gpu, value, c) =>
        gpu.record({ b }, (run, references) => run(fieldAdd, { a: value, ...references, c: c as never })),
      "invalid-binding",
    ],
  ])("by %s", (_, call, code) =>
    usingBackend(async (gpu) => {
      const array = await gpu.array(a);
      for (const [value, words] of values) {
        await expectError(async () => call(gpu, value as never, array), code as "invalid-option", words);
      }
    }),
  );

  it("by copyFrom", () =>
    usingBackend(async (gpu) => {
      const array = await gpu.array(a);
      const making = gpu.array(b);
      await expectError(
        array.copyFrom(making as never),
        "invalid-option",
        /of the same backend; got a promise\. An `await`/,
      );
      await making;
      await expectError(array.copyFrom(b as never), "invalid-option", /got a Float32Array\. .*`write`/);
      await expectError(array.copyFrom(array), "invalid-option", /got the array itself\.$/);
    }));
});

it("an array that is disposed is named where it is bound", () =>
  usingBackend(async (gpu) => {
    const weights = await gpu.array(a, { label: "weights" });
    const other = await gpu.array(a);
    weights.dispose();
    const run = () => gpu.run(fieldAdd, { a: weights, b, c: output(Float32Array, 3) });
    await expectError(run(), "invalid-binding", /given the resident array "weights" as "a", which is disposed\.$/);
    await expectError(record(gpu, weights as never), "invalid-binding", /resident array "weights"/);
    const copied = await expectError(other.copyFrom(weights), "disposed", /"weights"/);
    expect(copied.message).toMatch(/is disposed\.$/);
  }));
