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

/** Holds calls until it is opened. */
class Gate {
  isReached = false;
  open = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });

  async pass<T>(call: () => Promise<T>): Promise<T> {
    this.isReached = true;
    await this.#opened;
    return await call();
  }
}

/** Lets no map of a buffer with `usage` end before the gate is open. */
const holdMaps = (usage: number) => (device: GPUDevice, gate: Gate) => {
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const mapAsync = buffer.mapAsync.bind(buffer);
    if (descriptor.usage & usage) buffer.mapAsync = (mode) => gate.pass(() => mapAsync(mode));
    return buffer;
  };
};

type Case = readonly [
  what: string,
  byteBudget: number,
  hold: (device: GPUDevice, gate: Gate) => void,
  work: (gpu: PersistentComputeBackend) => Promise<unknown>[],
];

describe("a wait for memory has no end while it is held", () => {
  it.each<Case>([
    ["by a submission", 48 * 2 ** 10, holdMaps(bufferUsage.mapRead), (gpu) => [add(gpu, 2000), add(gpu, 2000)]],
    [
      "by an upload on its way back",
      48 * 2 ** 10,
      holdMaps(bufferUsage.mapWrite),
      (gpu) => [stageAndRelease(gpu, 10_000), add(gpu, 2000)],
    ],
  ])("%s", (_, byteBudget, hold, work) =>
    withOwnDevice(async (device) => {
      const gate = new Gate();
      hold(device, gate);
      const gpu = await openPersistentBackend({ device, byteBudget, memoryWaitMs: 1000, store: false });
      await gpu.prepare(fieldAdd);
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
      try {
        const all = Promise.all(work(gpu));
        all.catch(() => undefined);
        const isHeld = () => gate.isReached && gpu.stats().buffers.waiting === 1;
        while (!isHeld()) await new Promise((resolve) => setImmediate(resolve));
        vi.advanceTimersByTime(10_000);
        expect(gpu.stats().buffers.waiting).toBe(1);
        gate.open();
        await all;
      } finally {
        gate.open();
        vi.useRealTimers();
        await gpu.dispose();
      }
      expectNothingLive(gpu);
    }),
  );
});
