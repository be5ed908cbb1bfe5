import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { type ComputeError, defineKernel, inout, output } from "@kiln-gpu/core";
import { fieldAdd, saxpy } from "@kiln-gpu/kernels";
import {
  combine,
  combined,
  eventually,
  expectError,
  expectNothingLive,
  expectSame,
  nextSubmission,
  RandomData,
  software,
  step,
  stepped,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { openPersistentBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(32);

/** `GPUBufferUsage.MAP_READ`. */
const mapRead = 1;

describe("the memory of a resident array", () => {
  it("is freed when it is disposed, once the runs before are done with it", () =>
    usingBackend(async (gpu) => {
      const words = data.words(5000);
      const y = await gpu.array(words);
      const runs = [gpu.run(step, { factor: 2, y }), gpu.run(step, { factor: 3, y })];
      const last = y.read();
      y.dispose();
      await Promise.all(runs);
      expectSame(await last, stepped(stepped(words, 2), 3));
      const { made } = gpu.stats().buffers;
      for (let i = 0; i < 10; i += 1) (await gpu.array(data.words(5000))).dispose();
      expect(gpu.stats().buffers.made).toBe(made);
    }));

  it("counts to the budget: others wait until there is room", () =>
    usingBackend(
      async (gpu) => {
        const held = await gpu.array(Uint32Array, 8 * 1024);
        let isThere = false;
        const waiting = gpu.array(Uint32Array, 8 * 1024).then((array) => {
          isThere = true;
          return array;
        });
        await eventually(() => expect(gpu.stats().buffers.waiting).toBe(1));
        expect(isThere).toBe(false);
        held.dispose();
        expectSame(await (await waiting).read({ length: 10 }), new Uint32Array(10));
        await expectError(gpu.array(Uint32Array, 2 ** 20), "limit-exceeded", /4194304/);
      },
      { byteBudget: 48 * 1024 },
    ));

  it("keeps no call waiting that needs less than is left", () =>
    usingBackend(
      async (gpu) => {
        const held = await gpu.array(Uint32Array, (3.25 * 2 ** 20) / 4);
        // Large enough to want to know how it is best uploaded, which there is no memory to measure.
        for (const length of [5 * 1024, 512, 5 * 1024]) {
          const words = data.words(length);
          expectSame((await gpu.run(step, { factor: 2, y: inout(words) })).y, stepped(words, 2));
        }
        held.dispose();
      },
      { byteBudget: 4 * 2 ** 20 },
    ));

  it("goes with its backend", async () => {
    const gpu = await openPersistentBackend(software);
    const y = await gpu.array(data.words(64));
    const run = gpu.run(step, { factor: 2, y });
    await gpu.dispose();
    await run;
    expectNothingLive(gpu);
    await expectError(y.read(), "disposed");
  });

  it("keeps no call waiting on a lost device that stays silent", () =>
    withOwnDevice(async (device) => {
      const gpu = await openPersistentBackend({ device, maxSubmissions: 1 });
      await gpu.run(step, { factor: 2, y: inout(data.words(8)) });
      const y = await gpu.array(data.words(8));
      const createBuffer = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        const buffer = createBuffer(descriptor);
        if (descriptor.usage & mapRead) buffer.mapAsync = () => new Promise(() => undefined);
        return buffer;
      };
      const submission = nextSubmission(device);
      const flying = gpu.run(step, { factor: 2, y: inout(data.words(5000)) });
      const fresh = defineKernel({ label: "fresh", wgsl: `${step.programs.main!.wgsl} // fresh` });
      await submission;
      const runs = [flying, gpu.run(fresh, { factor: 2, y }), gpu.run(step, { factor: 2, y })];
      device.destroy();
      for (const run of runs)
        await run.catch((error: ComputeError) => expect(error.code).toMatch(/device-lost|failed/));
      await gpu.dispose();
      expect(gpu.stats().runs.pending).toBe(0);
    }));

  it("goes with a device that is lost: what is asked of it rejects", () =>
    withOwnDevice(async (device) => {
      const gpu = await openPersistentBackend({ device });
      const y = await gpu.array(data.words(64));
      const runs = [gpu.run(step, { factor: 2, y }), y.read()];
      device.destroy();
      for (const run of runs)
        await run.catch((error: ComputeError) => expect(error.code).toMatch(/device-lost|dependency-failed/));
      await expectError(y.read(), "device-lost");
      await expectError(gpu.run(step, { factor: 2, y }), "device-lost");
      await gpu.dispose();
      expectNothingLive(gpu);
    }));
});

describe("a loss while calls of a chain are in flight", () => {
  it.each(["write", "copy", "run"] as const)(
    "is told to the caller of a %s before the run that depended on it",
    (first) =>
      withOwnDevice(async (device) => {
        const gpu = await openPersistentBackend({ device });
        const words = data.words(64);
        const [x, other] = [await gpu.array(words), await gpu.array(words)];
        await gpu.run(combine, { x, y: words, z: output(Uint32Array, 64) });
        await gpu.run(step, { factor: 2, y: other });
        const told: string[] = [];
        const calls = {
          write: () => x.write(words),
          copy: () => x.copyFrom(other),
          run: () => gpu.run(step, { factor: 2, y: x }),
        };
        const chain: Promise<unknown>[] = [
          calls[first](),
          gpu.run(combine, { x, y: words, z: output(Uint32Array, 64) }),
        ];
        const settled = Promise.all(chain.map((call) => call.catch(({ code }: ComputeError) => told.push(code))));
        // The first is submitted by now, and the run held back.
        await Promise.resolve();
        device.destroy();
        await settled;
        expect(told).toEqual(["device-lost", "dependency-failed"]);
        await gpu.dispose();
        expectNothingLive(gpu);
      }),
  );
});

describe("what cannot be done with a resident array", () => {
  it("is refused by name", () =>
    usingBackend(async (gpu) => {
      const x = await gpu.array(data.floats(16));
      const c = output(Float32Array, 16);
      await expectError(gpu.array(new Float32Array(0)), "invalid-option", /whole number of elements, 1 or more; got 0/);
      await expectError(gpu.array(Float32Array, -1), "invalid-option", /1 or more; got -1/);
      await expectError(gpu.array("text" as never), "invalid-option", /typed array.*text/);
      await expectError(
        x.read({ start: 10, length: 7 }),
        "invalid-option",
        /the 16 elements; got 7 elements from \[10\]/,
      );
      await expectError(
        x.read({ into: new Float32Array(3) }),
        "invalid-option",
        /Float32Array of 16.*Float32Array of 3/,
      );
      await expectError(x.read({ into: null as never }), "invalid-option", /Float32Array of 16; got null/);
      await expectError(x.write(data.floats(4), 13), "invalid-option", /4 elements from \[13\]/);
      await expectError(x.write(new Int32Array(2) as never), "invalid-option", /Float32Array.*Int32Array/);
      await expectError(x.copyFrom(x), "invalid-option", /another resident array/);
      const shorts = await gpu.array(Uint16Array, 9);
      await expectError(shorts.write(Uint16Array.of(1), 1), "invalid-option", /multiples of 4 bytes; got bytes 2 to 4/);
      const wrong = { a: await gpu.array(Int32Array, 16), b: x, c };
      // @ts-expect-error whole numbers where the kernel takes floats
      await expectError(gpu.run(fieldAdd, wrong), "invalid-binding", /Int32Array/);
      await expectError(gpu.run(saxpy, { alpha: 1, x, y: x }), "invalid-kernel", /"x".*"y".*only once/);
      await expectError(gpu.run(fieldAdd, { a: x, b: data.floats(16), c: x }), "invalid-kernel", /"a".*"c".*only once/);
      expectSame(
        (await gpu.run(fieldAdd, { a: x, b: x, c })).c,
        (await x.read()).map((value) => value + value),
      );
      const oneShot = await openOneShotBackend(software);
      await expectError(oneShot.run(fieldAdd, { a: x, b: x, c }), "invalid-binding", /resident array as "a".*one-shot/);
      await oneShot.dispose();
      await usingBackend(async (other) => {
        await expectError(other.run(fieldAdd, { a: x, b: x, c }), "invalid-binding", /"a".*another backend/);
        const foreign = await other.array(Float32Array, 16);
        await expectError(x.copyFrom(foreign), "invalid-option", /same backend/);
      });
      x.dispose();
      x.dispose();
      await expectError(gpu.run(fieldAdd, { a: x, b: x, c }), "invalid-binding", /"a".*disposed/);
      await expectError(x.read(), "disposed", /read.*disposed/);
      await expectError(x.write(data.floats(1)), "disposed");
    }));

  it("keeps no memory for an array whose elements were taken away", () =>
    usingBackend(async (gpu) => {
      const words = data.words(64);
      const made = expectError(gpu.array(words), "invalid-binding", /256 bytes, and now it has 0/);
      structuredClone(words, { transfer: [words.buffer] });
      await made;
      expect(gpu.stats().buffers.inUseBytes).toBe(0);
    }));

  it("keeps none of the arrays that are bound beside it", () =>
    usingBackend(async (gpu) => {
      const [x, gone] = [await gpu.array(data.words(64)), await gpu.array(data.words(64))];
      gone.dispose();
      const z = output(Uint32Array, 64);
      await expectError(gpu.run(combine, { x, y: gone, z }), "invalid-binding", "is disposed");
      x.dispose();
      expect(gpu.stats().buffers.inUseBytes).toBe(0);
    }));

  it("does not keep a resident array in use from serving a run that binds it twice to read", () =>
    usingBackend(async (gpu) => {
      const words = data.words(40);
      const [x, y] = [await gpu.array(words), await gpu.array(words)];
      for (const [p, q] of [
        [x, y],
        [x, x],
        [y, x],
        [y, y],
      ] as const) {
        expectSame((await gpu.run(combine, { x: p, y: q, z: output(Uint32Array, 40) })).z, combined(words, words));
      }
      expectSame((await gpu.run(step, { factor: 2, y: inout(words) })).y, stepped(words, 2));
    }));
});
