import { output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import { histogram, histogramReference, histogramSpirv, runHistogram } from "./histogram.js";

test("the reference counts what is below the number of bins, and nothing else", () => {
  expect([...histogramReference(new Uint32Array([0, 2, 2, 3, 4, 0xffff_ffff, 0]), 4)]).toEqual([2, 0, 2, 1]);
  expect([...histogramReference(new Uint32Array(0), 2)]).toEqual([0, 0]);
});

test("runs a workgroup for every 4096 values, and 512 at most", () => {
  const passesOf = (length: number) =>
    histogram.passes({ values: new Uint32Array(length), counts: output(Uint32Array, 256) });
  expect(passesOf(1)).toEqual([{ program: "main", threads: 256 }]);
  expect(passesOf(4097)).toEqual([{ program: "main", threads: 512 }]);
  expect(passesOf(1 << 22)).toEqual([{ program: "main", threads: 512 * 256 }]);
});

test("gives one count a bin, from either language", async () => {
  const { backend, runs } = recordingBackend();
  expect(await runHistogram(backend, new Uint32Array(3), 4096)).toHaveLength(4096);
  await runHistogram(backend, new Uint32Array(3), 1, { from: "spirv" });
  expect(runs.map((run) => run.kernel)).toEqual([histogram, histogramSpirv]);
});

test("the counts of no values are zeros, without a run", async () => {
  const { backend, runs } = recordingBackend();
  expect(await runHistogram(backend, new Uint32Array(0), 3)).toEqual(new Uint32Array(3));
  expect(runs).toEqual([]);
});

test.each([0, 4097, 2.5, -1])("refuses %d bins", async (binCount) => {
  const { backend } = recordingBackend();
  await expect(runHistogram(backend, new Uint32Array(1), binCount)).rejects.toMatchObject({
    code: "invalid-binding",
    message: `runHistogram: "binCount" must be a whole number from 1 to 4096; got ${binCount}.`,
  });
});

test("the kernel itself refuses more bins than it has memory for", () => {
  const bindings = { values: new Uint32Array(1), counts: output(Uint32Array, 4097) };
  expect(() => histogram.passes(bindings)).toThrow(
    'Kernel "histogram": the length of "counts" must be a whole number from 1 to 4096; got 4097.',
  );
});
