import { openPersistentBackend, type PersistentComputeBackend, softwareGpu } from "kiln-gpu";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeParameters, makeSamples, randomFrom } from "./data.js";
import { accuracyOf, trainReference } from "./reference.js";
import { train } from "./train.js";

const random = randomFrom(1);
// Not a multiple of a workgroup.
const samples = makeSamples(500, random);
const first = makeParameters(8, random);

let gpu: PersistentComputeBackend;
beforeAll(async () => {
  gpu = await openPersistentBackend({ fallback: softwareGpu, software: true });
});
afterAll(() => gpu.dispose());

test("reports a falling loss, and ends with the parameters that the CPU finds", async () => {
  const reports: { step: number; loss: number }[] = [];
  const parameters = await train(gpu, samples, first, {
    steps: 400,
    stepsPerReport: 100,
    rate: 1,
    onProgress: (step, loss) => reports.push({ step, loss }),
  });
  expect(reports.map(({ step }) => step)).toEqual([100, 200, 300, 400]);
  const losses = reports.map(({ loss }) => loss);
  expect(losses).toEqual(losses.toSorted((a, b) => b - a));

  const reference = trainReference(samples, first, { steps: 400, rate: 1 });
  expect(losses.at(-1)).toBeCloseTo(reference.loss, 4);
  for (const [i, value] of reference.parameters.entries()) expect(parameters[i]).toBeCloseTo(value, 3);
  expect(accuracyOf(parameters, samples)).toBeGreaterThan(0.9);
});

test("ends when its signal aborts, and gives back what it holds", async () => {
  const held = gpu.stats().buffers.inUseBytes;
  const stop = new AbortController();
  const steps: number[] = [];
  const training = train(gpu, samples, first, {
    steps: 1_000_000,
    stepsPerReport: 10,
    rate: 1,
    signal: stop.signal,
    onProgress(step) {
      steps.push(step);
      if (step === 30) stop.abort();
    },
  });
  await expect(training).rejects.toMatchObject({ name: "ComputeError", code: "aborted" });
  expect(steps).toEqual([10, 20, 30]);
  await expect.poll(() => gpu.stats().buffers.inUseBytes).toBe(held);
});
