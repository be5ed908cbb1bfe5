import { output, type ResidentArray } from "@kiln-gpu/core";
import {
  combine,
  combined,
  expectError,
  expectNothingLive,
  expectSame,
  LosableDevices,
  RandomData,
  software,
  step,
  stepped,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { bufferUsage, mapMode } from "@kiln-gpu/webgpu";
import { describe, expect, it } from "vitest";
import { openPersistentBackend, type PersistentComputeBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(83);
const { storage, copySource, copyDestination, uniform } = bufferUsage;
const sharedUsage = storage | copySource | copyDestination;

/** A backend on a device that other code uses too. */
const using = (work: (gpu: PersistentComputeBackend, device: GPUDevice) => Promise<void>) =>
  withOwnDevice((device) => usingBackend((gpu) => work(gpu, device), { device }));

function bufferOf(device: GPUDevice, words: Uint32Array, usage: number = sharedUsage): GPUBuffer {
  const buffer = device.createBuffer({ size: words.byteLength, usage, mappedAtCreation: true });
  new Uint32Array(buffer.getMappedRange()).set(words);
  buffer.unmap();
  return buffer;
}

/** Reads a buffer as other code does, without Kiln. */
async function wordsIn(device: GPUDevice, buffer: GPUBuffer): Promise<Uint32Array> {
  const target = device.createBuffer({ size: buffer.size, usage: bufferUsage.mapRead | copyDestination });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, target, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await target.mapAsync(mapMode.read);
  const words = new Uint32Array(target.getMappedRange()).slice();
  target.destroy();
  return words;
}

describe("an adopted buffer", () => {
  it("is read and written in place by runs, reads, writes and copies, in the order of their calls", () =>
    using(async (gpu, device) => {
      const [x, y] = [data.words(1000), data.words(1000)];
      const buffers = [bufferOf(device, x), bufferOf(device, y), bufferOf(device, new Uint32Array(1000))];
      const before = gpu.stats().buffers;
      const [a, b, c] = (await Promise.all(buffers.map((buffer) => gpu.adopt(buffer, Uint32Array)))) as [
        ResidentArray<Uint32Array>,
        ResidentArray<Uint32Array>,
        ResidentArray<Uint32Array>,
      ];
      expect(gpu.stats().buffers).toEqual(before);
      expect([a.type, a.length]).toEqual([Uint32Array, 1000]);
      gpu.run(step, { factor: 3, y: b });
      await gpu.run(combine, { x: a, y: b, z: c });
      const expected = combined(x, stepped(y, 3));
      expectSame(await wordsIn(device, buffers[2]!), expected);
      a.write(x.slice(0, 10), 4);
      a.copyFrom(c, { start: 20, length: 6 }, 50);
      x.set(x.slice(0, 10), 4);
      x.set(expected.subarray(20, 26), 50);
      expectSame(await a.read(), x);
      expectSame(await wordsIn(device, buffers[0]!), x);
      using lease = await c.lease({ start: 5 });
      expectSame(lease.data, expected.subarray(5));
      const sequence = await gpu.record({ factor: 2 }, (run, { factor }) => run(step, { factor, y: a }));
      await sequence.replay();
      expectSame(await wordsIn(device, buffers[0]!), stepped(x, 2));
    }));

  it("may be longer than its array", () =>
    using(async (gpu, device) => {
      const words = data.words(64);
      const buffer = bufferOf(device, words);
      const array = await gpu.adopt(buffer, Uint32Array, { length: 10, label: "head" });
      expect([array.length, array.label]).toEqual([10, "head"]);
      await gpu.run(step, { factor: 5, y: array });
      const expected = words.slice();
      expected.set(stepped(words.subarray(0, 10), 5));
      expectSame(await wordsIn(device, buffer), expected);
    }));

  it("is not destroyed with its array, nor with the backend, and can be adopted again", () =>
    withOwnDevice(async (device) => {
      const words = data.words(100);
      const buffer = bufferOf(device, words);
      const gpu = await openPersistentBackend({ device, store: false });
      const first = await gpu.adopt(buffer, Uint32Array);
      await expectError(gpu.adopt(buffer, Float32Array), "invalid-option", /is an array of this backend already/);
      first.dispose();
      await expectError(first.read(), "disposed", /an adopted Uint32Array of 100 is disposed/);
      const again = await gpu.adopt(buffer, Float32Array);
      expectSame(new Uint32Array((await again.read()).buffer), words);
      await gpu.dispose();
      expectNothingLive(gpu);
      expectSame(await wordsIn(device, buffer), words);
    }));

  it("is refused where it cannot be an array of this backend", () =>
    using(async (gpu, device) => {
      const make = (size: number, usage: number, mappedAtCreation = false) =>
        device.createBuffer({ size, usage, mappedAtCreation });
      const adopt = (buffer: unknown, options?: object) => gpu.adopt(buffer as GPUBuffer, Uint32Array, options);
      await expectError(adopt(undefined), "invalid-option", /"buffer" must be a GPUBuffer; got undefined/);
      await expectError(adopt(new Uint32Array(4)), "invalid-option", /must be a GPUBuffer; got a Uint32Array/);
      const lookalike = { size: 16, usage: storage, mapState: "unmapped" };
      await expectError(adopt(lookalike), "invalid-option", /is not a GPUBuffer of this WebGPU/);
      await expectError(adopt(make(16, copySource)), "invalid-option", /usage STORAGE; its usage is 0x4/);
      await expectError(adopt(make(16, storage, true)), "invalid-option", /unmapped; its mapState is "mapped"/);
      await expectError(adopt(make(18, storage)), "invalid-option", /has 18 bytes.*whole elements of a Uint32Array/);
      await expectError(adopt(make(16, storage), { length: 5 }), "invalid-option", /of 5 needs 20 bytes.*has 16/);
      await expectError(adopt(make(16, storage), { length: 0 }), "invalid-option", /"length" must be.*got 0/);
      await expectError(adopt(make(16, storage), { lenght: 1 }), "invalid-option", /lenght/);
      await expectError(gpu.adopt(make(16, storage), Map as never), "invalid-option", /An adopted array/);
      const destroyed = make(16, storage);
      destroyed.destroy();
      await expectError(adopt(destroyed), "invalid-option", /the buffer is destroyed or mapped/);
      await withOwnDevice(async (other) => {
        const foreign = other.createBuffer({ size: 16, usage: storage });
        await expectError(adopt(foreign), "invalid-option", /belongs to another device/);
      });
      using own = await gpu.array(Uint32Array, 4);
      const lent = await own.use((buffer) => buffer);
      await expectError(adopt(lent), "invalid-option", /is an array of this backend already/);
    }));

  it("is read and written only as its usage allows", () =>
    using(async (gpu, device) => {
      const words = data.words(16).slice();
      const bare = await gpu.adopt(bufferOf(device, words, storage), Uint32Array, { label: "bare" });
      const other = await gpu.array(Uint32Array, 16);
      const missing = (usage: string) => new RegExp(`adopted array "bare" was created without the usage ${usage}`);
      await expectError(bare.read(), "invalid-option", missing("COPY_SRC"));
      await expectError(bare.lease(), "invalid-option", missing("COPY_SRC"));
      await expectError(other.copyFrom(bare), "invalid-option", missing("COPY_SRC"));
      await expectError(bare.write(words), "invalid-option", missing("COPY_DST"));
      await expectError(bare.copyFrom(other), "invalid-option", missing("COPY_DST"));
      // Kernels need neither.
      await gpu.run(step, { factor: 2, y: bare });
      const { z } = await gpu.run(combine, { x: bare, y: words, z: output(Uint32Array, 16) });
      expectSame(z, combined(stepped(words, 2), words));
    }));

  it("that others destroy fails the runs that bind it, and no others", () =>
    using(async (gpu, device) => {
      const words = data.words(64);
      const buffer = bufferOf(device, words);
      const array = await gpu.adopt(buffer, Uint32Array, { label: "gone" });
      await gpu.run(step, { factor: 2, y: array });
      buffer.destroy();
      const good = gpu.run(combine, { x: words, y: words, z: output(Uint32Array, 64) });
      const bad = gpu.run(step, { factor: 2, y: array });
      await expectError(bad, "invalid-binding", /Kernel "step" needs adopted array "gone", whose buffer is destroyed/);
      expectSame((await good).z, combined(words, words));
      await expectError(array.read(), "invalid-binding", /whose buffer is destroyed/);
    }));

  it("is bound to a uniform only with the usage UNIFORM", () =>
    using(async (gpu, device) => {
      const y = await gpu.array(new Uint32Array([4, 5]));
      const factor = new Uint32Array([3]);
      const uniformly = await gpu.adopt(bufferOf(device, factor, storage | uniform), Uint32Array);
      await gpu.run(step, { factor: uniformly as never, y });
      expectSame(await y.read(), new Uint32Array([12, 16]));
      const bare = await gpu.adopt(bufferOf(device, factor, storage), Uint32Array);
      await expectError(gpu.run(step, { factor: bare as never, y }), "invalid-kernel", /Uniform/i);
      expectSame(await y.read(), new Uint32Array([12, 16]));
    }));

  it("is lost with its device", async () => {
    const devices = new LosableDevices();
    await usingBackend(
      async (gpu) => {
        const lost: (readonly string[])[] = [];
        gpu.on("lost", (event) => lost.push(event.lost));
        const buffer = bufferOf(devices.opened[0]!, data.words(8));
        const array = await gpu.adopt(buffer, Uint32Array, { label: "shared" });
        devices.lose();
        await gpu.run(combine, { x: data.words(8), y: data.words(8), z: output(Uint32Array, 8) });
        expect(lost).toEqual([['adopted array "shared"']]);
        await expectError(array.read(), "device-lost", /adopted array "shared" was lost with its device/);
        await expectError(gpu.adopt(buffer, Uint32Array), "invalid-option", /belongs to another device/);
      },
      { device: devices.open },
    );
  });
});

describe("the use of an array by commands of others", () => {
  const clear = (buffer: GPUBuffer, encoder: GPUCommandEncoder) => encoder.clearBuffer(buffer, 0, 8);
  const cleared = (words: Uint32Array) => words.map((word, i) => (i < 2 ? 0 : word));

  it("has its position in the order of the calls", () =>
    using(async (gpu, device) => {
      let expected = data.words(64);
      const y = await gpu.array(expected);
      const ended: Promise<unknown>[] = [];
      for (let factor = 2; factor < 20; factor += 1) {
        ended.push(gpu.run(step, { factor, y }), y.use(clear));
        expected = cleared(stepped(expected, factor));
      }
      ended.push(
        y.use(({ size }, _) => expect(size).toBeGreaterThanOrEqual(256)),
        // Its own submission comes before that of `encoder`.
        y.use((buffer) => {
          const encoder = device.createCommandEncoder();
          encoder.clearBuffer(buffer, 8, 4);
          device.queue.submit([encoder.finish()]);
        }),
        gpu.run(step, { factor: 7, y }),
      );
      expected[2] = 0;
      await Promise.all(ended);
      expectSame(await y.read(), stepped(expected, 7));
    }));

  it("resolves with what its function returns, once the device has done the work", () =>
    using(async (gpu, device) => {
      const words = data.words(64);
      const y = await gpu.array(words);
      const target = bufferOf(device, new Uint32Array(64));
      const copy = (buffer: GPUBuffer, encoder: GPUCommandEncoder) => {
        encoder.copyBufferToBuffer(buffer, 0, target, 0, 256);
        return "copied";
      };
      expect(await y.use(copy, { access: "read" })).toBe("copied");
      expectSame(await wordsIn(device, target), words);
      expect(await y.use(async () => 7)).toBe(7);
    }));

  it("lasts until the promise of its function settles", () =>
    using(async (gpu, device) => {
      const words = data.words(64);
      const [y, z] = await Promise.all([gpu.array(words), gpu.array(words)]);
      const used = y.use(async (buffer) => {
        // Other work goes on meanwhile.
        await gpu.run(step, { factor: 3, y: z });
        const encoder = device.createCommandEncoder();
        clear(buffer, encoder);
        device.queue.submit([encoder.finish()]);
      });
      const after = gpu.run(step, { factor: 5, y });
      await Promise.all([used, after]);
      expectSame(await y.read(), stepped(cleared(words), 5));
      expectSame(await z.read(), stepped(words, 3));
    }));

  it("that only reads happens beside other reads, and before later writes", () =>
    using(async (gpu) => {
      const words = data.words(64);
      const y = await gpu.array(words);
      let inside: Uint32Array | undefined;
      const outer = y.use(
        async () => {
          inside = await y.use(async () => await y.read(), { access: "read" });
        },
        { access: "read" },
      );
      await outer;
      expectSame(inside!, words);
      const z = await gpu.array(words);
      const read = y.use(async () => await z.read(), { access: "read" });
      const write = gpu.run(step, { factor: 2, y });
      expectSame(await read, words);
      await write;
    }));

  it("that throws submits nothing, and fails the uses that depend on it", () =>
    using(async (gpu) => {
      const words = data.words(64);
      const y = await gpu.array(words, { label: "y" });
      const cause = new RangeError("no");
      const thrown = y.use((buffer, encoder) => {
        clear(buffer, encoder);
        throw cause;
      });
      const after = gpu.run(step, { factor: 2, y });
      const error = await expectError(thrown, "invalid-option", /The use of resident array "y".*RangeError: no/);
      expect(error.cause).toBe(cause);
      await expectError(after, "dependency-failed", /no/);
      expectSame(await y.read(), words);

      const rejected = y.use(() => Promise.reject(cause));
      const dependent = gpu.run(step, { factor: 2, y });
      expect((await expectError(rejected, "invalid-option", /RangeError: no/)).cause).toBe(cause);
      await expectError(dependent, "dependency-failed");
      expectSame(await y.read(), words);

      // What only reads leaves the array as it is.
      const reader = y.use(() => Promise.reject(cause), { access: "read" });
      const independent = gpu.run(step, { factor: 2, y });
      await expectError(reader, "invalid-option");
      await independent;
      expectSame(await y.read(), stepped(words, 2));
    }));

  it("is refused with the device's reason where its commands are not valid", () =>
    using(async (gpu) => {
      const y = await gpu.array(data.words(64), { label: "y" });
      const bad = y.use((buffer, encoder) => encoder.clearBuffer(buffer, 2, 3));
      const beside = gpu.run(combine, { x: data.words(8), y: data.words(8), z: output(Uint32Array, 8) });
      await expectError(bad, "invalid-kernel", /The use of resident array "y" was refused/);
      await beside;
    }));

  it("is refused without a function, with another access, and of an array that is gone", () =>
    using(async (gpu) => {
      const y = await gpu.array(data.words(64), { label: "y" });
      await expectError(y.use(undefined as never), "invalid-option", /"callback" must be a function; got undefined/);
      await expectError(y.use(clear, { access: "write" as never }), "invalid-option", /"read" or "read-write"/);
      await expectError(y.use(clear, { mode: "read" } as never), "invalid-option", /mode/);
      y.dispose();
      await expectError(y.use(clear), "disposed", /array "y" is disposed/);
    }));

  it("that may write makes a recoverable array one that is lost with its device", async () => {
    const devices = new LosableDevices();
    await usingBackend(
      async (gpu) => {
        const words = data.words(8);
        const [read, written] = [
          await gpu.array(words, { recoverable: true }),
          await gpu.array(words, { recoverable: true }),
        ];
        await read.use(() => undefined, { access: "read" });
        await written.use(() => undefined);
        devices.lose();
        // A run is repeated on the next device.
        await gpu.run(combine, { x: read, y: words, z: output(Uint32Array, 8) });
        expectSame(await read.read(), words);
        await expectError(written.read(), "device-lost");
        await expectError(written.use(clear), "device-lost");
        await read.use(clear);
        expectSame(await read.read(), cleared(words));
      },
      { device: devices.open },
    );
  });

  it("whose device is lost meanwhile rejects with the loss", async () => {
    const devices = new LosableDevices();
    await usingBackend(
      async (gpu) => {
        const y = await gpu.array(data.words(8));
        await expectError(
          y.use(() => devices.lose()),
          "device-lost",
        );
      },
      { device: devices.open },
    );
  });

  it("goes on in latency mode, and on a device of the backend's own", () =>
    usingBackend(
      async (gpu) => {
        const words = data.words(64);
        const y = await gpu.array(words);
        const used = y.use(clear);
        gpu.run(step, { factor: 9, y });
        await used;
        expectSame(await y.read(), stepped(cleared(words), 9));
      },
      { ...software, mode: "latency" },
    ));
});
