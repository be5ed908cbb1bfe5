import { bytes, type ComputeBackend, inout, output } from "@kiln-gpu/core";
import { fieldAdd, runFieldAdd } from "@kiln-gpu/kernels";
import { expectError, RandomData } from "@kiln-gpu/test-support";
import { describe, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

const data = new RandomData(79);
const [a, b] = [data.floats(3), data.floats(3)];

/** Values that are nearly an array, and what the error says. */
const values: readonly [unknown, RegExp][] = [
  [[1, 2, 3], /got an array of 3\. Give it as new Float32Array\(\[\.\.\.\]\)\.$/],
  [new ArrayBuffer(12), /got an ArrayBuffer\. Give a view of it: new Float32Array\(buffer\)\.$/],
  [Promise.resolve(a), /got a promise\. An `await` is probably missing\.$/],
];

export function describeWrongArrays(suite: Suite): void {
  describe("a value that is nearly a typed array is refused with what to give instead", () => {
    const backend = useBackend(suite);

    it.each<[string, (gpu: ComputeBackend, value: never) => unknown]>([
      ["as an input", (gpu, value) => gpu.run(fieldAdd, { a: value, b, c: output(Float32Array, 3) })],
      ["as an inout", (gpu, value) => gpu.run(fieldAdd, { a, b, c: inout(value) as never })],
      ["in a function that runs a kernel", (gpu, value) => runFieldAdd(gpu, a, value)],
    ])("%s", async (_, run) => {
      for (const [value, words] of values) {
        await expectError(async () => run(backend(), value as never), "invalid-binding", words);
      }
    });

    it("as memory for a result", async () => {
      for (const [value, words] of values) {
        const c = output(Float32Array, 3, { into: value as never });
        const given = new RegExp(words.source.replace("got", "`into` is"));
        await expectError(backend().run(fieldAdd, { a, b, c }), "invalid-binding", given);
      }
    });

    it("as bytes", async () => {
      await expectError(() => bytes([1, 2] as never), "invalid-binding", /got an array of 2\. .*new Uint8Array\(/);
      await expectError(() => bytes(Promise.resolve(a) as never), "invalid-binding", /a promise\. An `await`/);
    });

    it("as all bindings", async () => {
      const none: Promise<unknown> = Promise.resolve({ a, b });
      await expectError(
        backend().run(fieldAdd, none as never),
        "invalid-binding",
        /by name; got a promise\. An `await`/,
      );
      await expectError(backend().run(fieldAdd, [a, b] as never), "invalid-binding", /by name; got an array of 2\.$/);
    });
  });
}
