import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { output } from "@kiln-gpu/core";
import { fieldAddSpirv } from "@kiln-gpu/kernels";
import { LosableDevices, RandomData, software, withOwnDevice } from "@kiln-gpu/test-support";
import { describe, expect, it, vi } from "vitest";
import { openPersistentBackend } from "./index.js";

const data = new RandomData(53);
const [a, b] = [data.floats(1000), data.floats(1000)];
const bindings = { a, b, c: output(Float32Array, 1000) };

describe("the counters of what goes on", () => {
  it("tell what waits, what is in flight, and which memory is in use", async () => {
    const gpu = await openPersistentBackend({ ...software, maxSubmissions: 1 });
    try {
      const profiled = { profile: true } as const;
      // The first of them makes the timer, which takes a turn of the device.
      await gpu.run(fieldAddSpirv, bindings, profiled);
      expect(gpu.stats()).toMatchObject({ queue: { waiting: 0, inFlight: 0 }, buffers: { inUseBytes: 0, waiting: 0 } });
      const runs = [1, 2, 3].map(() => gpu.run(fieldAddSpirv, bindings, profiled));
      expect(gpu.stats().queue).toEqual({ waiting: 3, inFlight: 0 });
      await Promise.resolve();
      const { queue, buffers } = gpu.stats();
      expect(queue).toEqual({ waiting: 2, inFlight: 1 });
      expect(buffers.inUseBytes).toBeGreaterThanOrEqual(3 * a.byteLength);
      expect(buffers.inUseBytes).toBeLessThanOrEqual(buffers.bytes);
      await Promise.all(runs);
      const { length } = a;
      const array = await gpu.array(Float32Array, length);
      expect(gpu.stats()).toMatchObject({ queue: { waiting: 0, inFlight: 0 } });
      expect(gpu.stats().buffers.inUseBytes).toBeGreaterThanOrEqual(a.byteLength);
      array.dispose();
    } finally {
      await gpu.dispose();
    }
    expect(gpu.stats()).toMatchObject({ queue: { waiting: 0, inFlight: 0 }, buffers: { inUseBytes: 0, waiting: 0 } });
  });

  it("have the highest of several devices' bytes, and all that these have made", () =>
    withOwnDevice(async (device) => {
      const devices = new LosableDevices();
      const gpu = await openPersistentBackend({ device: devices.open, store: false });
      await gpu.run(fieldAddSpirv, bindings);
      const { highWaterBytes } = gpu.stats().buffers;
      devices.lose();
      await gpu.run(fieldAddSpirv, bindings);
      expect(gpu.stats()).toMatchObject({ devices: { made: 2, lost: 1 }, buffers: { highWaterBytes } });
      await gpu.dispose();
      const adopting = await openPersistentBackend({ device, store: false });
      await adopting.run(fieldAddSpirv, bindings);
      expect(adopting.stats().devices).toMatchObject({ made: 0, live: 0, lost: 0 });
      await adopting.dispose();
    }));

  it("tell of memory that is waited for", async () => {
    const gpu = await openPersistentBackend({ ...software, byteBudget: 65_536 });
    try {
      const held = await gpu.stage(Float32Array, 8192);
      const waiting = gpu.stage(Float32Array, 16_384);
      await new Promise((resolve) => setImmediate(resolve));
      expect(gpu.stats().buffers.waiting).toBe(1);
      held.release();
      (await waiting).release();
      expect(gpu.stats().buffers.waiting).toBe(0);
    } finally {
      await gpu.dispose();
    }
  });

  it("tell what the store was asked for", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kiln-store-"));
    vi.stubEnv("KILN_STORE", "on");
    try {
      for (const expected of [
        { hits: 0, misses: 1, failures: 0, programs: 0 },
        { hits: 1, misses: 0, failures: 0, programs: 1 },
      ]) {
        const gpu = await openPersistentBackend({ ...software, store: { directory } });
        try {
          await gpu.run(fieldAddSpirv, bindings);
          expect(gpu.stats().store).toEqual(expected);
        } finally {
          await gpu.dispose();
        }
      }
    } finally {
      vi.unstubAllEnvs();
      await rm(directory, { recursive: true, force: true });
    }
  });
});
