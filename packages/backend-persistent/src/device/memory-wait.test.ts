import { output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import { expectNothingLive, expectSame, RandomData, withOwnDevice } from "@kiln-gpu/test-support";
import { bufferUsage } from "@kiln-gpu/webgpu";
import { describe, expect, it, vi } from "vitest";
import { openPersistentBackend, type PersistentComputeBackend } from "../index.js";

const data = new RandomData(97);

async function add(gpu: PersistentComputeBackend, length: number): Promise<void> {
  const [a, b] = [data.floats(length), data.floats(length)];
  const { c } = await gpu.run(fieldAdd, { a, b, c: output(Float32Array, length) });
  expectSame(c, fieldAddReference(a, b));
}

async function stageAndRelease(gpu: PersistentComputeBackend, length: number): Promise<void> {
  (await gpu.stage(Float32Array, length)).release();
}

/** A measurement takes 1 MiB. */
async function stageWhileMeasuring(gpu: PersistentComputeBackend): Promise<void> {
  while (gpu.stats().buffers.inUseBytes < 2 ** 20) await new Promise((resolve) => setImmediate(resolve));
  await stageAndRelease(gpu, 100_000);
}

/** Lets no map of a buffer with `usage` end before `opened` does. */
function holdMaps(device: GPUDevice, usage: number, opened: Promise<void>): void {
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const mapAsync = buffer.mapAsync.bind(buffer);
    if (descriptor.usage & usage) buffer.mapAsync = (mode) => opened.then(() => mapAsync(mode));
    return buffer;
  };
}

/** Lets no wait for the queue end before `opened` does. */
function holdQueue({ queue }: GPUDevice, opened: Promise<void>): void {
  const onSubmittedWorkDone = queue.onSubmittedWorkDone.bind(queue);
  queue.onSubmittedWorkDone = () => opened.then(() => onSubmittedWorkDone());
}

type Case = readonly [
  what: string,
  byteBudget: number,
  hold: (device: GPUDevice, opened: Promise<void>) => void,
  work: (gpu: PersistentComputeBackend) => Promise<unknown>[],
];

describe("a wait for memory has no end while it is held", () => {
  it.each<Case>([
    [
      "by a submission",
      48 * 2 ** 10,
      (device, opened) => holdMaps(device, bufferUsage.mapRead, opened),
      (gpu) => [add(gpu, 2000), add(gpu, 2000)],
    ],
    [
      "by an upload on its way back",
      48 * 2 ** 10,
      (device, opened) => holdMaps(device, bufferUsage.mapWrite, opened),
      (gpu) => [stageAndRelease(gpu, 10_000), add(gpu, 2000)],
    ],
    ["by a measurement", 1.25 * 2 ** 20, holdQueue, (gpu) => [add(gpu, 5000), stageWhileMeasuring(gpu)]],
  ])("%s", (_, byteBudget, hold, work) =>
    withOwnDevice(async (device) => {
      let open = () => {};
      hold(device, new Promise((resolve) => (open = resolve)));
      const gpu = await openPersistentBackend({ device, byteBudget, memoryWaitMs: 1000, store: false });
      await gpu.prepare(fieldAdd);
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
      try {
        const all = Promise.all(work(gpu));
        all.catch(() => undefined);
        while (gpu.stats().buffers.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
        vi.advanceTimersByTime(10_000);
        expect(gpu.stats().buffers.waiting).toBe(1);
        open();
        await all;
      } finally {
        open();
        vi.useRealTimers();
        await gpu.dispose();
      }
      expectNothingLive(gpu);
    }),
  );
});
