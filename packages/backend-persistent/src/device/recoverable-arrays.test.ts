import { type ComputeError, defineKernel, output } from "@kiln-gpu/core";
import {
  combine,
  combined,
  expectError,
  expectSame,
  LosableDevices,
  nextSubmission,
  RandomData,
  software,
  spin,
  spinBindings,
  starve,
  step,
  stepped,
} from "@kiln-gpu/test-support";
import { bufferUsage, openDevice } from "@kiln-gpu/webgpu";
import { describe, expect, it, vi } from "vitest";
import { openPersistentBackend } from "../index.js";
import { eventsOf, expectRun, loseAtWork, nextEvent, withLosses } from "./losses.test-support.js";

const data = new RandomData(31);

describe("a resident array that is recoverable", () => {
  it("is uploaded again, with what the host wrote to it", async () => {
    await withLosses(async (backend, lose) => {
      const { lost, recovered } = eventsOf(backend);
      const elements = data.words(100, 1e6);
      using array = await backend.array(elements, { label: "table", recoverable: true });
      elements.fill(0, 10, 20);
      const expected = elements.slice();
      await array.write(elements.subarray(10, 20), 10);
      for (let round = 0; round < 3; round += 1) {
        lose();
        // Asked for before anybody can know of the loss, and after.
        await array.read().catch((error: ComputeError) => expect(error.code).toBe("device-lost"));
        expectSame(await array.read(), expected);
        const seven = Uint32Array.of(7 + round);
        await array.write(seven, round);
        expected[round] = seven[0]!;
      }
      expect(lost.flatMap((event) => event.lost)).toEqual([]);
      await expectRun(backend);
      expect(recovered.at(-1)).toMatchObject({ restored: ['resident array "table"'] });
    });
  });

  it("is lost by name where the next device has no memory for it", async () => {
    const devices = new LosableDevices();
    let end = () => {};
    const device = async () => {
      const opened = await devices.open();
      if (devices.opened.length > 1) end = starve(opened);
      return opened;
    };
    await using backend = await openPersistentBackend({ device, store: false });
    using array = await backend.array(data.words(5), { label: "table", recoverable: true });
    const recovery = nextEvent(backend, "recovered");
    devices.lose();
    await recovery;
    end();
    await expectError(array.read(), "device-lost", /"table" was lost with its device.*no memory for/);
    await expectRun(backend);
  });

  it("serves the runs that read it, which are run again", async () => {
    await withLosses(async (backend, lose) => {
      const x = data.words(500, 1e6);
      const y = data.words(500, 1e6);
      using array = await backend.array(x, { recoverable: true });
      await backend.prepare(combine);
      const runs = Array.from({ length: 5 }, async () => {
        const { z } = await backend.run(combine, { x: array, y, z: output(Uint32Array, 500) });
        expectSame(z, combined(x, y));
      });
      await Promise.resolve();
      lose();
      await Promise.all(runs);
      expect(backend.stats().runs).toMatchObject({ failed: 0, retried: 5 });
    });
  });

  it("is used in the order of the calls, also of those made before there is another device", async () => {
    await withLosses(async (backend, lose) => {
      const elements = data.words(50);
      using first = await backend.array(elements, { recoverable: true });
      using second = await backend.array(elements, { recoverable: true });
      const loss = nextEvent(backend, "lost");
      lose();
      await loss;
      const later = data.words(50);
      const last = data.words(50);
      const done: Promise<unknown>[] = [
        first.write(later),
        backend.run(step, { factor: 3, y: first }),
        second.write(later),
      ];
      await new Promise<void>((resolve) => {
        backend.on("recovered", () => {
          done.push(second.write(last));
          resolve();
        });
      });
      await Promise.all(done);
      expectSame(await first.read(), stepped(later, 3));
      expectSame(await second.read(), last);
    });
  });

  for (const isPrepared of [true, false]) {
    it(`is read by a run that is run again before it is written by what was asked for later, ${isPrepared ? "prepared" : "not prepared"}`, async () => {
      for (let turns = 0; turns < 6; turns += 1) {
        await withLosses(async (backend, lose) => {
          const [x, y, later] = [data.words(50), data.words(50), data.words(50)];
          using array = await backend.array(x, { recoverable: true });
          if (isPrepared) await backend.prepare(combine);
          const written = new Promise<void>((resolve, reject) => {
            backend.on("lost", () => array.write(later).then(resolve, reject));
          });
          const run = backend.run(combine, { x: array, y, z: output(Uint32Array, 50) });
          // Not yet submitted when the device is lost, so nothing of it has happened.
          const writer = isPrepared ? undefined : backend.run(step, { factor: 3, y: array });
          for (let turn = 0; turn < turns; turn += 1) await undefined;
          lose();
          const [{ z }] = await Promise.all([run, writer, written]);
          expectSame(z, combined(x, y));
          expectSame(await array.read(), later);
        });
      }
    });
  }

  /** As `combine`, and compiled nowhere yet. */
  const unprepared = () =>
    defineKernel({
      label: "not prepared",
      wgsl: `@group(0) @binding(0) var<storage, read> x: array<u32>;
        @group(0) @binding(1) var<storage, read> y: array<u32>;
        @group(0) @binding(2) var<storage, read_write> z: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
          if (id.x < arrayLength(&z)) { z[id.x] = 3u * x[id.x] + y[id.x]; }
        }`,
    });

  it("keeps the order where the next device is lost while it is restored there", async () => {
    const [x, y, later] = [data.words(50), data.words(50), data.words(50)];
    const devices: GPUDevice[] = [];
    const device = async () => {
      const { device: opened } = await openDevice(software);
      devices.push(opened);
      if (devices.length !== 2) return opened;
      const createBuffer = opened.createBuffer.bind(opened);
      let arrays = 0;
      opened.createBuffer = (descriptor) => {
        if (descriptor.usage & bufferUsage.storage) arrays += 1;
        const buffer = createBuffer(descriptor);
        if (arrays === 2) opened.destroy();
        return buffer;
      };
      return opened;
    };
    await using backend = await openPersistentBackend({ device, store: false });
    using first = await backend.array(x, { recoverable: true });
    using second = await backend.array(y, { recoverable: true });
    const written = new Promise<void>((resolve, reject) => {
      const forget = backend.on("lost", () => {
        forget();
        second.write(later).then(resolve, reject);
      });
    });
    const run = backend.run(unprepared(), { x: first, y: second, z: output(Uint32Array, 50) });
    devices[0]!.destroy();
    const [{ z }] = await Promise.all([run, written]);
    expectSame(z, combined(x, y));
    expect(devices).toHaveLength(3);
  });

  it("is not restored again and again while no call waits for a device", async () => {
    const devices: GPUDevice[] = [];
    let asked = 0;
    const device = async () => {
      asked += 1;
      const { device: opened } = await openDevice(software);
      devices.push(opened);
      if (devices.length > 1) loseAtWork(opened);
      return opened;
    };
    await using backend = await openPersistentBackend({ device, store: false });
    using array = await backend.array(data.words(5), { recoverable: true });
    const loss = nextEvent(backend, "lost");
    devices[0]!.destroy();
    await loss;
    await expectError(array.read(), "device-lost");
    // One may be on its way; the next would be asked for after a pause.
    const before = asked;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      for (let turn = 0; turn < 200; turn += 1) {
        vi.advanceTimersByTime(10_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      vi.useRealTimers();
    }
    expect(asked - before).toBeLessThanOrEqual(1);
  });

  it("is not taken away from those who come later by a run that is lost before it is due", async () => {
    await withLosses(async (backend, lose, devices) => {
      const x = data.words(50);
      using array = await backend.array(x, { recoverable: true });
      await backend.prepare(step);
      await backend.prepare(spin);
      const { programs } = step;
      // Loads what is compiled already, and has it only when the device is gone.
      const again = defineKernel({ label: "again", wgsl: programs.main!.wgsl! as string }) as unknown as typeof step;
      const digest = crypto.subtle.digest.bind(crypto.subtle);
      const loss = nextEvent(backend, "lost");
      vi.spyOn(crypto.subtle, "digest").mockImplementation(async (...given) => {
        const digested = await digest(...given);
        await loss;
        return digested;
      });
      try {
        const submission = nextSubmission(devices[0]!);
        const busy = backend.run(spin, spinBindings);
        const run = backend.run(again, { factor: 3, y: array });
        await submission;
        lose();
        await Promise.all([run, busy]);
      } finally {
        vi.restoreAllMocks();
      }
      expectSame(await array.read(), stepped(x, 3));
    });
  });

  for (const isPrepared of [true, false]) {
    it(`fails what was to read a write that failed with the device, ${isPrepared ? "prepared" : "not prepared"}`, async () => {
      await withLosses(async (backend, lose) => {
        const [x, y] = [data.words(50), data.words(50)];
        using array = await backend.array(x, { recoverable: true });
        const kernel = isPrepared ? combine : unprepared();
        if (isPrepared) await backend.prepare(combine);
        const write = expectError(array.write(data.words(50)), "device-lost");
        const run = backend.run(kernel, { x: array, y, z: output(Uint32Array, 50) });
        const failed = expectError(run, "dependency-failed", /which failed: The device .* is lost/u);
        lose();
        await Promise.all([write, failed]);
        const { z } = await backend.run(combine, { x: array, y, z: output(Uint32Array, 50) });
        expectSame(z, combined(x, y));
      });
    });
  }

  it("that is disposed before its run is begun again serves that run, which was asked for before", async () => {
    await withLosses(async (backend, lose) => {
      const [x, y] = [data.words(5), data.words(5)];
      const array = await backend.array(x, { recoverable: true });
      await backend.prepare(combine);
      const run = backend.run(combine, { x: array, y, z: output(Uint32Array, 5) });
      await Promise.resolve();
      lose();
      array.dispose();
      expectSame((await run).z, combined(x, y));
    });
  });

  it("is not taken for another backend's while others are restored", async () => {
    await withLosses(async (backend, lose) => {
      const elements = data.words(50);
      using lost = await backend.array(Uint32Array, 50, { label: "lost" });
      using kept = await backend.array(elements, { recoverable: true });
      lose();
      await nextEvent(backend, "recovered");
      await expectError(lost.copyFrom(kept), "device-lost", /"lost" was lost/);
      await expectError(kept.copyFrom(lost), "device-lost", /"lost" was lost/);
      expectSame(await kept.read(), elements);
    });
  });

  it("is lost once a run, a replay or a copy has written it, and not once one has read it", async () => {
    await withLosses(async (backend, lose) => {
      using replayed = await backend.array(data.words(10, 9), { label: "replayed", recoverable: true });
      using written = await backend.array(data.words(10, 9), { label: "written", recoverable: true });
      using copied = await backend.array(data.words(10, 9), { label: "copied", recoverable: true });
      using kept = await backend.array(data.words(10, 9), { label: "kept", recoverable: true });
      await backend.run(step, { factor: 2, y: written });
      await copied.copyFrom(kept);
      await backend.run(combine, { x: kept, y: kept, z: output(Uint32Array, 10) });
      const sequence = await backend.record({ z: output(Uint32Array, 10) }, (run, { z }) => {
        run(step, { factor: 2, y: replayed });
        run(combine, { x: kept, y: kept, z });
      });
      await sequence.replay();
      const loss = nextEvent(backend, "lost");
      lose();
      const lost = ["replayed", "written", "copied"].map((label) => `resident array "${label}"`);
      expect(await loss).toMatchObject({ lost: [...lost, 'sequence "sequence"'] });
      for (const array of [written, replayed]) await expectError(array.read(), "device-lost");
      expect(await kept.read()).toHaveLength(10);
    });
  });

  it("that is disposed meanwhile is not restored", async () => {
    await withLosses(async (backend, lose) => {
      const array = await backend.array(data.words(10, 9), { recoverable: true });
      await expectRun(backend);
      const recovery = nextEvent(backend, "recovered");
      lose();
      await nextEvent(backend, "lost");
      array.dispose();
      expect(await recovery).toMatchObject({ restored: [] });
      await expectError(array.read(), "disposed");
    });
  });
});
