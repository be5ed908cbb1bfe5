/**
 * What a persistent backend takes at the call, beyond what every backend does: across losses, in recordings, and of
 * resident arrays.
 */

import {
  type Bindings,
  type ComputeErrorCode,
  defineKernel,
  isComputeError,
  output,
  type RecordRun,
} from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import {
  changingCalls,
  expectCalls,
  expectError,
  expectNothingLive,
  expectSame,
  freshKernel,
  LosableDevices,
  RandomData,
  step,
  stepped,
} from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { openPersistentBackend, type PersistentBackendOptions, type PersistentComputeBackend } from "./index.js";

const data = new RandomData(83);

async function using(
  work: (gpu: PersistentComputeBackend, devices: LosableDevices) => Promise<void>,
  options: PersistentBackendOptions = {},
): Promise<void> {
  const devices = new LosableDevices();
  const gpu = await openPersistentBackend({ device: devices.open, store: false, ...options });
  try {
    await work(gpu, devices);
  } finally {
    await gpu.dispose();
    expectNothingLive(gpu);
  }
}

describe.each(["throughput", "latency"] as const)("a call in %s mode", (mode) => {
  it.each(Object.entries(changingCalls))("is begun again after a loss with what it was given: %s", (_, ask) =>
    using(
      async (gpu, devices) => {
        const kernel = freshKernel();
        for (const isWarm of [false, true]) {
          const runs = ask((bindings, options) => gpu.run(kernel, bindings, options));
          devices.lose();
          await expectCalls(runs);
          // While no device is there, and the kernel is compiled by none.
          devices.lose();
          await new Promise((resolve) => gpu.on("lost", resolve));
          await expectCalls(ask((bindings, options) => gpu.run(isWarm ? kernel : freshKernel(), bindings, options)));
        }
      },
      { mode },
    ),
  );
});

describe("a resident array", () => {
  const copy = defineKernel({
    label: "copy",
    wgsl: `@group(0) @binding(0) var<storage, read> x: array<u32>;
      @group(0) @binding(1) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&y)) { y[id.x] = x[id.x]; }
      }`,
  });

  it("that is disposed after the calls that bind it serves them, also while the device is replaced", () =>
    using(async (gpu, devices) => {
      const words = data.words(100);
      for (const isReplaced of [false, true]) {
        const array = await gpu.array(words, { recoverable: true });
        if (isReplaced) {
          const lost = new Promise((resolve) => gpu.on("lost", resolve));
          devices.lose();
          await lost;
        }
        const reading = gpu.run(copy, { x: array, y: output(Uint32Array, 100) });
        const writing = array.write(words.slice(0, 10).fill(7));
        const whole = array.read();
        const stepping = gpu.run(step, { factor: 2, y: array });
        const last = array.read();
        array.dispose();
        expectSame((await reading).y, words);
        await writing;
        const written = words.slice().fill(7, 0, 10);
        expectSame(await whole, written);
        await stepping;
        expectSame(await last, stepped(written, 2));
        await expectError(gpu.run(copy, { x: array, y: output(Uint32Array, 100) }), "invalid-binding", /disposed/);
      }
    }));

  it("that was disposed is told as lost to no one, and serves the calls before on the next device", () =>
    using(async (gpu, devices) => {
      const words = data.words(100);
      const array = await gpu.array(words, { recoverable: true, label: "field" });
      const written = await gpu.array(words, { label: "written" });
      const run = gpu.run(copy, { x: array, y: output(Uint32Array, 100) });
      const reading = expect(written.read()).rejects.toMatchObject({ code: "device-lost" });
      array.dispose();
      written.dispose();
      const lost = new Promise<readonly string[]>((resolve) => gpu.on("lost", (event) => resolve(event.lost)));
      devices.lose();
      expectSame((await run).y, words);
      await reading;
      expect(await lost).toEqual([]);
      expect(gpu.stats().buffers.inUseBytes).toBe(0);
    }));

  it("is not written with an array that was taken away since the call", () =>
    using(async (gpu) => {
      const words = data.words(5000);
      const array = await gpu.array(words);
      const taken = data.words(5000);
      const writing = array.write(taken);
      structuredClone(taken.buffer, { transfer: [taken.buffer] });
      await writing.catch((error: unknown) => expect(isComputeError(error, "invalid-binding")).toBe(true));
      const gone = data.words(5000);
      const making = gpu.array(gone);
      structuredClone(gone.buffer, { transfer: [gone.buffer] });
      await expectError(making, "invalid-binding", /20000 bytes, and now it has 0/);
      await expectError(array.write(gone), "invalid-binding", /memory is gone/);
      await expectError(gpu.array(gone), "invalid-binding", /memory is gone/);
    }));
});

describe("a run that only reads a shared array and fails", () => {
  const add = defineKernel<Bindings>({
    label: "weighted",
    wgsl: `@group(0) @binding(0) var<storage, read> w: array<u32>;
      @group(0) @binding(1) var<storage, read> x: array<u32>;
      @group(0) @binding(2) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&y)) { y[id.x] = w[id.x] + x[id.x]; }
      }`,
  });
  const textOf = (change: (wgsl: string) => string) =>
    defineKernel<Bindings>({ label: "broken", wgsl: change(add.programs.main!.wgsl as string) });
  const x = data.words(8);
  const y = output(Uint32Array, 8);

  const failures: readonly [
    string,
    ComputeErrorCode,
    (gpu: PersistentComputeBackend, w: Bindings[string]) => Promise<unknown>,
  ][] = [
    ["its checks: a wrong type", "invalid-binding", (gpu, w) => gpu.run(add, { w, x: new Float32Array(8), y })],
    ["its checks: a missing binding", "invalid-binding", (gpu, w) => gpu.run(add, { w, x })],
    ["its checks: a size", "limit-exceeded", (gpu, w) => gpu.run(add, { w, x, y: output(Uint32Array, 2 ** 31) })],
    [
      "its checks: a function of the kernel's",
      "invalid-kernel",
      (gpu, w) => {
        const fail = () => {
          throw new Error("a mistake");
        };
        return gpu.run(defineKernel<Bindings>({ label: "k", wgsl: add.programs.main!.wgsl as string, threads: fail }), {
          w,
          x,
          y,
        });
      },
    ],
    [
      "to compile",
      "shader-compilation",
      (gpu, w) =>
        gpu.run(
          textOf((wgsl) => wgsl.replace("w[id.x] +", "w[id.x] + 1f +")),
          { w, x, y },
        ),
    ],
    [
      "to be read at all",
      "shader-compilation",
      (gpu, w) =>
        gpu.run(
          textOf((wgsl) => wgsl.replace("];", "]")),
          { w, x, y },
        ),
    ],
    [
      "to end in time",
      "timeout",
      (gpu, w) =>
        gpu.run(
          textOf((wgsl) => `${wgsl} // ${Math.random()}`),
          { w, x, y },
          { timeoutMs: 1e-3 },
        ),
    ],
    [
      "by its caller's signal",
      "aborted",
      (gpu, w) => {
        const controller = new AbortController();
        const run = gpu.run(
          textOf((wgsl) => `${wgsl} // ${Math.random()}`),
          { w, x, y },
          { signal: controller.signal },
        );
        controller.abort();
        return run;
      },
    ],
  ];

  it.each(failures)("%s rejects no other", (_, code, fail) =>
    using(async (gpu) => {
      const words = data.words(8);
      const w = await gpu.array(words);
      const expected = fieldAddOf(words, x);
      await gpu.run(add, { w, x, y });
      const failing = fail(gpu, w);
      const others = [gpu.run(add, { w, x, y }), gpu.run(add, { w, x, y })];
      const reading = w.read();
      await expectError(failing, code);
      for (const other of others) expectSame(((await other) as { y: Uint32Array }).y, expected);
      expectSame(await reading, words);
    }),
  );

  it("and one that would have written the array rejects those that were to read it", () =>
    using(async (gpu) => {
      const array = await gpu.array(data.words(8));
      for (const failing of [
        () => gpu.run(step, { factor: -1, y: array }),
        () => gpu.run(freshStep("y[id.x] = 1f;"), { factor: 1, y: array }),
        () => gpu.run(freshStep("y[id.x] = 1u"), { factor: 1, y: array }),
      ]) {
        const first = failing();
        const reading = array.read();
        await expect(first).rejects.toMatchObject({
          code: expect.stringMatching(/invalid-binding|shader-compilation/),
        });
        await expectError(reading, "dependency-failed");
      }
      await array.read();
    }));

  const freshStep = (body: string) =>
    defineKernel<Bindings>({
      label: "step",
      wgsl: (step.programs.main!.wgsl as string).replace("if (id.y", `${body} if (id.y`),
    });
  const fieldAddOf = (a: Uint32Array, b: Uint32Array) => a.map((value, i) => value + b[i]!);
});

describe("a recording", () => {
  const run = (record: (run: RecordRun, y: Bindings[string]) => void) =>
    using(async (gpu) => {
      const y = await gpu.array(Uint32Array, 6);
      using sequence = await gpu.record({}, (run) => record(run, y));
      await sequence.replay();
      expectSame(await y.read(), expected);
    });
  const put = defineKernel<Bindings>({
    label: "put",
    wgsl: `struct P { i: u32, add: u32 }
      @group(0) @binding(0) var<uniform> p: P;
      @group(0) @binding(1) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(1) fn main(@builtin(num_workgroups) count: vec3u) { y[p.i] = 10 * (p.i + p.add) + count.x; }`,
  });
  const expected = Uint32Array.from({ length: 6 }, (_, i) => 10 * (i + 5) + i + 1);

  it("takes the values of its runs as each is asked for", () =>
    run((run, y) => {
      const p = { i: 0, add: 5 };
      for (p.i = 0; p.i < 6; p.i += 1) run(put, { p, y }, { workgroups: p.i + 1 });
    }));

  it("takes the elements of arrays that its runs bind", () =>
    run((run, y) => {
      const p = new Uint32Array([0, 5]);
      for (let i = 0; i < 6; i += 1) {
        p[0] = i;
        run(put, { p, y }, { workgroups: i + 1 });
      }
      p.fill(9);
    }));

  it("takes bindings and options that the next of its runs fills anew", () =>
    run((run, y) => {
      const bindings: { [name: string]: Bindings[string] } = { y };
      const options: { workgroups: [number] } = { workgroups: [0] };
      for (let i = 0; i < 6; i += 1) {
        bindings.p = { i, add: 5 };
        options.workgroups[0] = i + 1;
        run(put, bindings, options);
      }
      delete bindings.p;
    }));

  it("takes its parameters' values, and is built once, whatever becomes of the device", () =>
    using(async (gpu, devices) => {
      const p = { i: 0, add: 5 };
      const parameters: { p: typeof p; y: ReturnType<typeof output<Uint32Array>> } = { p, y: output(Uint32Array, 1) };
      let builds = 0;
      const recording = gpu.record(parameters, (run, references) => {
        builds += 1;
        run(put, references, { workgroups: 3 });
      });
      p.add = 9;
      parameters.p = { i: 0, add: 9 };
      devices.lose();
      using sequence = await recording;
      p.add = 8;
      expectSame((await sequence.replay()).y, new Uint32Array([53]));
      expect(builds).toBe(1);
    }));
});

describe("a tuning", () => {
  it("takes its bindings at the call, and an array that is disposed after it", () =>
    using(async (gpu) => {
      const kernel = defineKernel<Bindings>({
        label: "tunable",
        tunable: { size: [64, 32] },
        wgsl: `override size: u32 = 64;
          @group(0) @binding(0) var<storage, read> x: array<u32>;
          @group(0) @binding(1) var<uniform> factor: u32;
          @group(0) @binding(2) var<storage, read_write> y: array<u32>;
          @compute @workgroup_size(size) fn main(@builtin(global_invocation_id) id: vec3u) {
            if (id.x < arrayLength(&y)) { y[id.x] = factor * x[id.x]; }
          }`,
      });
      const x = await gpu.array(data.words(256));
      const bindings: { [name: string]: Bindings[string] } = { x, factor: 2, y: output(Uint32Array, 256) };
      const tuning = gpu.tune(kernel, bindings);
      for (const name of Object.keys(bindings)) delete bindings[name];
      x.dispose();
      expect((await tuning).elements).toBe(256);
    }));
});

describe("staged memory", () => {
  it("whose view outlived its run is no empty array", () =>
    using(async (gpu) => {
      const staged = await gpu.stage(Float32Array, 16);
      const floats = data.floats(16);
      const view = staged.data;
      view.set(floats);
      const { c } = await gpu.run(fieldAdd, { a: staged, b: floats, c: output(Float32Array, 16) });
      expectSame(c, fieldAddReference(floats, floats));
      expect(view.length).toBe(0);
      const stale = { a: view, b: view, c: output(Float32Array, 0) };
      await expectError(gpu.run(fieldAdd, stale), "invalid-binding", /"a", a Float32Array whose memory is gone/);
      await expectError(
        gpu.run(fieldAdd, { ...stale, c: output(Float32Array, 16) }),
        "invalid-binding",
        /memory is gone/,
      );
    }));

  it("and resident arrays are of types that a shader can bind", () =>
    using(async (gpu) => {
      for (const type of [Float64Array, BigInt64Array, Int16Array, Int8Array, Array]) {
        await expectError(gpu.array(type as never, 4), "invalid-option", new RegExp(type.name));
        await expectError(gpu.stage(type as never, 4), "invalid-option", new RegExp(type.name));
      }
      await expectError(gpu.array(new Float64Array(4)), "invalid-option", /Float64Array.*Float32Array/);
    }));
});
