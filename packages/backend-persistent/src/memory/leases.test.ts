import { type Bindings, type ComputeError, defineKernel, lease, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import {
  eventually,
  expectError,
  expectNothingLive,
  expectSame,
  RandomData,
  software,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { expectExit, runScript } from "@kiln-gpu/test-support/node";
import { describe, expect, it } from "vitest";
import { openPersistentBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";
import { addStaged, waitForOne } from "./staged-floats.test-support.js";

const data = new RandomData(23);

describe("a lease", () => {
  const add = (length: number) => ({ a: data.floats(length), b: data.floats(length), c: lease(Float32Array, length) });

  it("shows the results, also beside copied ones, at any length, again and again", () =>
    usingBackend(async (gpu) => {
      for (const length of [1, 3, 64, 1000, 65_537, 5]) {
        for (let i = 0; i < 5; i += 1) {
          const bindings = add(length);
          const { c } = await gpu.run(fieldAdd, bindings);
          expectSame(c.data, fieldAddReference(bindings.a, bindings.b));
          c.release();
        }
      }
      const before = gpu.stats().buffers.made;
      for (let i = 0; i < 20; i += 1) (await gpu.run(fieldAdd, add(1000))).c.release();
      expect(gpu.stats().buffers.made).toBe(before);
    }));

  it("keeps its results while other runs come and go", () =>
    usingBackend(async (gpu) => {
      const held = [];
      for (let i = 0; i < 10; i += 1) {
        const bindings = add(200 + i);
        const { c } = await gpu.run(fieldAdd, bindings);
        held.push({ c, expected: fieldAddReference(bindings.a, bindings.b) });
        await Promise.all(Array.from({ length: 5 }, () => addStaged(gpu, data, 200 + i)));
      }
      for (const { c, expected } of held) {
        expectSame(c.data, expected);
        c.release();
      }
    }));

  it("ends once, and its memory with it", () =>
    usingBackend(async (gpu) => {
      const { c } = await gpu.run(fieldAdd, add(100));
      const view = c.data;
      c[Symbol.dispose]();
      expect(() => c.data).toThrow(expect.objectContaining({ code: "disposed" }));
      expect(view.length).toBe(0);
      c.release();
      await addStaged(gpu, data, 100);
    }));

  it("of several in one run keeps all of them until each is released", () =>
    usingBackend(async (gpu) => {
      const twice = defineKernel({
        label: "twice",
        wgsl: `@group(0) @binding(0) var<storage, read> x: array<f32>;
          @group(0) @binding(1) var<storage, read_write> y: array<f32>;
          @group(0) @binding(2) var<storage, read_write> z: array<f32>;
          @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) i: vec3u) {
            if (i.x < arrayLength(&x)) { y[i.x] = x[i.x] + x[i.x]; z[i.x] = -x[i.x]; }
          }`,
      });
      const x = data.floats(100);
      const { y, z } = await gpu.run(twice, { x, y: lease(Float32Array, 100), z: lease(Float32Array, 100) });
      y.release();
      await addStaged(gpu, data, 100);
      expectSame(
        z.data,
        x.map((value) => -value),
      );
      z.release();
    }));

  it("holds nothing where another result of its run cannot be given", () =>
    usingBackend(async (gpu) => {
      const both = defineKernel<Bindings>({
        label: "both",
        wgsl: `@group(0) @binding(0) var<storage, read_write> p: array<u32>;
          @group(0) @binding(1) var<storage, read_write> q: array<u32>;
          @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
            if (id.x < arrayLength(&p)) { p[id.x] = id.x; q[id.x] = id.x; }
          }`,
      });
      const bindings = { p: lease(Uint32Array, 300), q: output(Uint32Array, 300) };
      (await gpu.run(both, bindings)).p.release();
      const into = new Uint32Array(300);
      const run = gpu.run(both, { ...bindings, q: output(Uint32Array, 300, { into }) });
      structuredClone(into.buffer, { transfer: [into.buffer] });
      await expectError(run, "invalid-binding", /"q" goes into a Uint32Array of 300 elements, and now it has 0/);
      expect(gpu.stats().buffers.inUseBytes).toBe(0);
    }));

  it("counts to the budget: runs wait until it is released", () =>
    usingBackend(
      async (gpu) => {
        const { c } = await gpu.run(fieldAdd, add(2048));
        let isDone = false;
        const waiting = addStaged(gpu, data, 2048).then(() => {
          isDone = true;
        });
        await waitForOne(gpu);
        expect(isDone).toBe(false);
        c.release();
        await waiting;
      },
      { byteBudget: 52 * 1024 },
    ));

  it("that is never released ends the wait of all that need its memory, and is named", () =>
    usingBackend(
      async (gpu) => {
        const { c } = await gpu.run(fieldAdd, add(2048));
        const refused = [/given back for 50 ms/, /a lease on "c" of kernel "field-add", a Float32Array of 2048/];
        await expectError(addStaged(gpu, data, 2048), "out-of-memory", ...refused);
        await expectError(gpu.stage(Float32Array, 12_000), "out-of-memory", ...refused);
        await expectError(gpu.array(Float32Array, 12_000), "out-of-memory", ...refused);
        const large = { ...add(3000), c: output(Float32Array, 3000) };
        const runs = Array.from({ length: 20 }, () => gpu.run(fieldAdd, large));
        for (const run of runs) await expectError(run, "out-of-memory", ...refused);
        c.release();
        await addStaged(gpu, data, 2048);
      },
      { byteBudget: 52 * 1024, memoryWaitMs: 50 },
    ));

  it("that is never released keeps no run from memory that is left, also of a batch that did not fit as one", () =>
    usingBackend(
      async (gpu) => {
        const held = await gpu.stage(Float32Array, 229_376);
        const runs = Array.from({ length: 6 }, async () => {
          const [a, b] = [data.floats(5200), data.floats(5200)];
          expectSame((await gpu.run(fieldAdd, { a, b, c: output(Float32Array, 5200) })).c, fieldAddReference(a, b));
        });
        await Promise.all(runs);
        held.release();
      },
      { byteBudget: 2 ** 20, memoryWaitMs: 50 },
    ));

  it("that is released is there at once for who was refused before", () =>
    usingBackend(
      async (gpu) => {
        const held = await gpu.stage(Float32Array, 8192);
        await expectError(gpu.stage(Float32Array, 8192), "out-of-memory", /staged memory, a Float32Array of 8192/);
        held.release();
        (await gpu.stage(Float32Array, 8192)).release();
      },
      { byteBudget: 52 * 1024, memoryWaitMs: 20 },
    ));

  it("lets one of two that wait for each other's go on", () =>
    usingBackend(
      async (gpu) => {
        const arrays = await Promise.allSettled([0, 1].map(() => gpu.array(data.floats(100_000))));
        const made = arrays.filter((array) => array.status === "fulfilled");
        expect(made).toHaveLength(1);
        made[0]!.value.dispose();
      },
      { byteBudget: 2 ** 20, memoryWaitMs: 50 },
    ));

  it("that is never released leaves no process that ends in the middle of a wait for its memory", async () => {
    const body = `
      import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
      import { lease } from "@kiln-gpu/core";
      import { fieldAdd } from "@kiln-gpu/kernels";
      import { softwareGpu } from "@kiln-gpu/software-gpu";
      const gpu = await openPersistentBackend({ fallback: softwareGpu, software: true, byteBudget: 52 * 1024, memoryWaitMs: 200, leakDetection: false });
      const a = new Float32Array(2048).fill(1);
      const kept = [];
      const work = async () => {
        try {
          for (;;) kept.push((await gpu.run(fieldAdd, { a, b: a, c: lease(Float32Array, 2048) })).c);
        } finally {
          await gpu.dispose();
        }
      };
      work().catch(({ code }) => console.log(kept.length, code));`;
    await expectExit(runScript(body, { from: import.meta.dirname }), 0, "3 out-of-memory\n");
  });

  it("that is still held ends when its backend is disposed, so that a run which waits for its memory can end", async () => {
    const gpu = await openPersistentBackend({ ...software, byteBudget: 52 * 1024 });
    const { c } = await gpu.run(fieldAdd, add(2048));
    const waiting = addStaged(gpu, data, 2048);
    await waitForOne(gpu);
    await gpu.dispose();
    await waiting;
    expectNothingLive(gpu);
    expect(() => c.data).toThrow(expect.objectContaining({ code: "disposed" }));
  });

  it("of runs that wait for each other's memory ends too, so that dispose ends", async () => {
    const gpu = await openPersistentBackend({ ...software, byteBudget: 52 * 1024 });
    const runs = [];
    for (let i = 0; i < 6; i += 1) runs.push(gpu.run(fieldAdd, add(2048)), gpu.stage(Float32Array, 8192));
    await eventually(() => expect(gpu.stats().buffers.waiting).toBeGreaterThan(0));
    const settled = Promise.allSettled(runs);
    await gpu.dispose();
    await settled;
    expectNothingLive(gpu);
  });

  it("that is never released goes with its backend", async () => {
    const gpu = await openPersistentBackend(software);
    const { c } = await gpu.run(fieldAdd, add(100));
    await gpu.dispose();
    expectNothingLive(gpu);
    expect(() => c.data).toThrow(expect.objectContaining({ code: "disposed" }));
  });

  it("of a run that is aborted leaves nothing held", () =>
    usingBackend(async (gpu) => {
      const stop = new AbortController();
      const run = gpu.run(fieldAdd, add(1000), { signal: stop.signal });
      stop.abort();
      await expect(run).rejects.toMatchObject({ code: "aborted" });
    }));

  it("of a run that is aborted as its results come leaves nothing held", () =>
    withOwnDevice(async (device) => {
      // Aborts some microtasks after the results were read, before or after the caller has them.
      let onRead: (() => void) | undefined;
      const createBuffer = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        const buffer = createBuffer(descriptor);
        const getMappedRange = buffer.getMappedRange.bind(buffer);
        buffer.getMappedRange = (offset, size) => {
          onRead?.();
          return getMappedRange(offset, size);
        };
        return buffer;
      };
      const a = data.floats(100);
      await using gpu = await openPersistentBackend({ device, maxIdleMs: 1, store: false });
      await gpu.run(fieldAdd, { a, b: a, c: output(Float32Array, 100) });
      const endings = new Set<string>();
      for (let microtasks = 0; microtasks < 15; microtasks += 1) {
        const controller = new AbortController();
        onRead = async () => {
          onRead = undefined;
          for (let i = 0; i < microtasks; i += 1) await undefined;
          controller.abort();
        };
        const { signal } = controller;
        const run = gpu.run(fieldAdd, { a, b: a, c: lease(Float32Array, 100) }, { signal });
        const ending = await run.then(
          ({ c }) => {
            expectSame(c.data, fieldAddReference(a, a));
            c.release();
            return "done";
          },
          (error: ComputeError) => error.code,
        );
        endings.add(ending);
        await eventually(() => expect(gpu.stats().buffers.live).toBe(0));
      }
      expect([...endings].sort()).toEqual(["aborted", "done"]);
    }));
});
