/** Commands for a run like the last one are recorded while the device works on that one. */

import { defineKernel, type Inout, inout, lease, output } from "@kiln-gpu/core";
import { exclusiveScanReference, fieldAdd, fieldAddReference, runExclusiveScan, runSaxpy } from "@kiln-gpu/kernels";
import {
  eventually,
  expectError,
  expectNothingLive,
  expectSame,
  RandomData,
  sabotage,
  step,
  stepped,
  victimWorkgroups,
  watchCommands,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { openPersistentBackend, type PersistentBackendOptions } from "../index.js";

/** Tells what it is given as one from what it is given as the other. */
const subtract = defineKernel({
  label: "subtract",
  wgsl: `
    @group(0) @binding(0) var<storage, read> a: array<f32>;
    @group(0) @binding(1) var<storage, read> b: array<f32>;
    @group(0) @binding(2) var<storage, read_write> c: array<f32>;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&c)) { c[id.x] = a[id.x] - b[id.x]; }
    }`,
});

/** `y[i] = p.x * y[i] + p.y`, where `p` is set by the commands. */
const affine = defineKernel<{ p: Uint32Array; y: Inout<Uint32Array> }>({
  label: "affine",
  wgsl: `
    var<immediate> p: vec4u;
    @group(0) @binding(0) var<storage, read_write> y: array<u32>;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&y)) { y[id.x] = p.x * y[id.x] + p.y; }
    }`,
});

const subtractReference = (a: Float32Array, b: Float32Array) => a.map((value, i) => value - b[i]!);

type Backend = Awaited<ReturnType<typeof openPersistentBackend>>;

const data = new RandomData(149);

/** Adds the number of its workgroups. */
const addWorkgroups = defineKernel<{ data: Inout<Uint32Array> }>({
  label: "add workgroups",
  wgsl: `
    @group(0) @binding(0) var<storage, read_write> data: array<u32>;
    @compute @workgroup_size(1)
    fn main(@builtin(num_workgroups) count: vec3u, @builtin(workgroup_id) id: vec3u) {
      if (all(id == vec3u(0))) {
        for (var i = 0u; i < arrayLength(&data); i++) { data[i] += count.x * count.y * count.z; }
      }
    }`,
});

type Work = (gpu: Backend, asked: ("record" | "submit")[], device: GPUDevice) => Promise<void>;

async function using(work: Work, options: PersistentBackendOptions = {}): Promise<void> {
  await withOwnDevice(async (device) => {
    const asked = watchCommands(device);
    const gpu = await openPersistentBackend({ device, ...options });
    try {
      await work(gpu, asked, device);
    } finally {
      await gpu.dispose();
      expectNothingLive(gpu);
    }
  });
}

async function add(gpu: Backend, length: number): Promise<void> {
  const [a, b] = [data.floats(length), data.floats(length)];
  const { c } = await gpu.run(fieldAdd, { a, b, c: output(Float32Array, length) });
  expectSame(c, fieldAddReference(a, b));
}

/** `swapped` stages the second input first, in the memory that the first one had before. */
async function subtractInPlace(gpu: Backend, length: number, swapped = false): Promise<void> {
  const [a, b] = [data.floats(length), data.floats(length)];
  const second = swapped ? await stage(gpu, b) : undefined;
  const first = await stage(gpu, a);
  const bindings = { a: first, b: second ?? (await stage(gpu, b)), c: lease(Float32Array, length) };
  const { c } = await gpu.run(subtract, bindings);
  expectSame(c.data, subtractReference(a, b));
  c.release();
}

async function stage(gpu: Backend, values: Float32Array) {
  const staged = await gpu.stage(Float32Array, values.length);
  staged.data.set(values);
  return staged;
}

async function count(gpu: Backend, workgroups: number, length = 3): Promise<void> {
  const before = data.words(length, 1000);
  const ran = await gpu.run(addWorkgroups, { data: inout(before.slice()) }, { workgroups: [workgroups, 1, 1] });
  expectSame(
    ran.data,
    before.map((word) => word + workgroups),
  );
}

async function scan(gpu: Backend, length: number): Promise<void> {
  const words = data.words(length);
  expectSame(await runExclusiveScan(gpu, words), exclusiveScanReference(words));
}

type Fault = "throws" | "is refused";

/** Makes the next recording that follows a submission in the same job, and so is ahead of its run, fail. */
function failAhead(device: GPUDevice, fault: Fault): { readonly count: number } {
  const faults = { count: 0 };
  let hasSubmitted = false;
  const submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (buffers) => {
    hasSubmitted = true;
    queueMicrotask(() => {
      hasSubmitted = false;
    });
    return submit(buffers);
  };
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    if (!hasSubmitted || faults.count > 0) return createCommandEncoder(descriptor);
    faults.count += 1;
    if (fault === "throws") throw new DOMException("No encoder, says the suite.", "OperationError");
    const encoder = createCommandEncoder(descriptor);
    encoder.pushDebugGroup("never closed");
    return encoder;
  };
  return faults;
}

/** What is asked of the device from now on, by `work`. */
async function askedBy(asked: string[], work: () => Promise<void>): Promise<string[]> {
  asked.length = 0;
  await work();
  return [...asked];
}

/** What is asked for a run that was like no other, was like the last, and was recorded ahead. */
const firstTime = ["record", "submit"];
const secondTime = ["record", "submit", "record"];
const nextTimes = ["submit", "record"];

describe("the commands of a run that is repeated", () => {
  it.each<[string, (gpu: Backend) => Promise<void>]>([
    ["of arrays", (gpu) => add(gpu, 1000)],
    ["of arrays that go through staging", (gpu) => add(gpu, 300_000)],
    ["of several passes", (gpu) => scan(gpu, 3000)],
    ["with others of its tick", async (gpu) => void (await Promise.all([1, 2, 3].map(() => add(gpu, 1000))))],
  ])("are recorded while the device works on the one before: %s", (_, work) =>
    using(async (gpu, asked) => {
      // Compiles, and measures which way uploads go.
      await work(gpu);
      await gpu.run(fieldAdd, { a: data.floats(5), b: data.floats(5), c: output(Float32Array, 5) });
      asked.length = 0;
      const seen: string[][] = [];
      for (let i = 0; i < 6; i += 1) seen.push(await askedBy(asked, () => work(gpu)));
      expect(seen.slice(2)).toEqual([nextTimes, nextTimes, nextTimes, nextTimes]);
    }),
  );

  it("are not recorded ahead before it has come twice", () =>
    using(async (gpu, asked) => {
      await gpu.prepare(fieldAdd);
      const run = () => askedBy(asked, () => add(gpu, 1000));
      expect([await run(), await run(), await run(), await run()]).toEqual([
        firstTime,
        secondTime,
        nextTimes,
        nextTimes,
      ]);
    }));

  it("are as soon recorded ahead for staged memory, which a loop is given in the same order each time", () =>
    using(async (gpu, asked) => {
      await gpu.prepare(subtract);
      const run = () => askedBy(asked, () => subtractInPlace(gpu, 1000));
      expect([await run(), await run(), await run()]).toEqual([firstTime, secondTime, nextTimes]);
    }));

  it("are recorded ahead for staged memory and leases, in whatever order their memory comes again", () =>
    using(async (gpu, asked) => {
      const subtractOnce = () => subtractInPlace(gpu, 1000, data.upTo(2) === 1);
      for (let i = 0; i < 20; i += 1) await subtractOnce();
      for (let i = 0; i < 10; i += 1) expect(await askedBy(asked, subtractOnce)).toEqual(nextTimes);
    }));

  it("are recorded ahead for replays, whose arrays and values are others each time", () =>
    using(async (gpu, asked) => {
      const b = data.floats(1000);
      const kept = await gpu.array(b);
      const parameters = { a: data.floats(1000), c: output(Float32Array, 1000) };
      const sums = await gpu.record(parameters, (run, { a, c }) => run(fieldAdd, { a, b: kept, c }));
      const replay = async () => {
        const a = data.floats(1000);
        expectSame((await sums.replay({ a })).c, fieldAddReference(a, b));
      };
      const replayStaged = async () => {
        const a = data.floats(1000);
        expectSame((await sums.replay({ a: await stage(gpu, a) })).c, fieldAddReference(a, b));
      };
      for (let i = 0; i < 3; i += 1) await replay();
      for (let i = 0; i < 3; i += 1) await replayStaged();
      for (let i = 0; i < 3; i += 1) {
        expect(await askedBy(asked, replay)).toEqual(nextTimes);
        expect(await askedBy(asked, replayStaged)).toEqual(nextTimes);
      }
      sums.dispose();
      kept.dispose();
    }));

  it("serve no run that differs in anything", () =>
    using(async (gpu) => {
      const works = [
        () => add(gpu, 1000),
        () => add(gpu, 1001),
        () => subtractInPlace(gpu, 1000),
        () => subtractInPlace(gpu, 1001),
        () => count(gpu, 1),
        () => count(gpu, 2),
        () => count(gpu, 2, 70_000),
        () => scan(gpu, 3000),
        () => Promise.all([add(gpu, 1000), count(gpu, 3)]),
        () => Promise.all([count(gpu, 1), count(gpu, 2)]),
        () => Promise.all([count(gpu, 2), count(gpu, 1)]),
        () => Promise.all([add(gpu, 1000), subtractInPlace(gpu, 1000), add(gpu, 1000), count(gpu, 4)]),
      ];
      for (let i = 0; i < 150; i += 1) {
        const work = works[data.upTo(works.length) - 1]!;
        for (let times = data.upTo(4); times > 0; times -= 1) await work();
      }
    }));

  it("serve no run that has other memory", () =>
    using(
      async (gpu) => {
        const length = 20_000;
        const leases: { release(): void }[] = [];
        const unused: { release(): void }[] = [];
        const works = [
          async () => {
            const [a, b] = [data.floats(length), data.floats(length)];
            const { c } = await gpu.run(subtract, { a, b, c: lease(Float32Array, length) });
            expectSame(c.data, subtractReference(a, b));
            leases.push(c);
          },
          () => subtractInPlace(gpu, length, data.upTo(2) === 1),
          async () => void unused.push(await gpu.stage(Float32Array, length)),
          async () => leases.splice(data.upTo(3) - 1, 1)[0]?.release(),
          async () => unused.splice(data.upTo(2) - 1, 1)[0]?.release(),
        ];
        for (let i = 0; i < 60; i += 1) {
          const work = () => works[data.upTo(works.length) - 1]!();
          await Promise.all(Array.from({ length: data.upTo(4) }, work));
        }
        for (const held of [...leases, ...unused]) held.release();
      },
      { mode: "latency" },
    ));

  it("serve no run whose inputs are uploaded from other memory", () =>
    using(
      async (gpu) => {
        const length = 300_000;
        const run = async () => {
          const [a, b] = [data.floats(length), data.floats(length)];
          const { c } = await gpu.run(subtract, { a, b, c: output(Float32Array, 10) });
          expectSame(c, subtractReference(a, b).subarray(0, 10));
        };
        for (let i = 0; i < 4; i += 1) {
          for (let times = 0; times < 3; times += 1) await run();
          // As many bytes go up by another buffer, and all its other memory is of other sizes. The one that comes back
          // last is taken next.
          const [x, y] = [data.floats(length), data.floats(length)];
          await Promise.all([run(), runSaxpy(gpu, 2, x, y)]);
        }
      },
      { mode: "latency" },
    ));

  it("serve no replay that brings others of its inputs as staged memory", () =>
    using(async (gpu) => {
      const length = 100;
      const parameters = { a: data.floats(length), b: data.floats(length), c: output(Float32Array, length) };
      const sequence = await gpu.record(parameters, (run, bindings) => run(subtract, bindings));
      for (let i = 0; i < 12; i += 1) {
        const [a, b] = [data.floats(length), data.floats(length)];
        // Twice each, so that the commands of either are there.
        const { c } = await sequence.replay(i & 2 ? { a: await stage(gpu, a), b } : { a, b: await stage(gpu, b) });
        expectSame(c, subtractReference(a, b));
      }
      sequence.dispose();
    }));

  it("are not submitted by a run that is profiled, whose pass is timed", () =>
    using(async (gpu, asked) => {
      const values = data.floats(100);
      const run = (profile: boolean) =>
        gpu.run(fieldAdd, { a: values, b: values, c: output(Float32Array, 100) }, { profile });
      for (let i = 0; i < 3; i += 1) await run(false);
      asked.length = 0;
      await run(true);
      expect(asked).toEqual(firstTime);
      asked.length = 0;
      await run(false);
      expect(asked).toEqual(nextTimes);
    }));

  it("are thrown away with the memory that they name", () =>
    using(
      async (gpu, asked) => {
        for (let i = 0; i < 4; i += 1) await add(gpu, 1000);
        await eventually(() => expect(gpu.stats().buffers.live).toBe(0));
        expect(await askedBy(asked, () => add(gpu, 1000))).toEqual(firstTime);
        expect(await askedBy(asked, () => add(gpu, 1000))).toContain("submit");
      },
      { maxIdleMs: 5 },
    ));

  it("are thrown away where the device refuses a submission", () =>
    using(async (gpu, asked, device) => {
      for (let i = 0; i < 4; i += 1) await add(gpu, 1000);
      sabotage(device, "submit");
      const words = new Uint32Array(1);
      const run = gpu.run(addWorkgroups, { data: inout(words) }, { workgroups: [1, victimWorkgroups, 1] });
      await expectError(run, "invalid-kernel", /"add workgroups"/);
      expect(await askedBy(asked, () => add(gpu, 1000))).toEqual(firstTime);
      expect(await askedBy(asked, () => add(gpu, 1000))).toEqual(secondTime);
    }));

  it("are recorded for each run that has immediates", () =>
    using(async (gpu) => {
      const words = data.words(3);
      const y = () => inout(words.slice());
      const sequence = await gpu.record({ p: new Uint32Array(4), y: y() }, (run, bindings) => run(affine, bindings));
      for (let i = 1; i <= 6; i += 1) {
        const p = data.words(4);
        const expected = words.map((word) => Math.imul(word, p[0]!) + p[1]!);
        expectSame((await gpu.run(affine, { p, y: y() })).y, expected);
        expectSame((await sequence.replay({ p, y: y() })).y, expected);
      }
      sequence.dispose();
    }));

  describe.each<Fault>(["throws", "is refused"])("whose recording ahead %s", (fault) => {
    it("concern no run", () =>
      using(async (gpu, _, device) => {
        for (let i = 0; i < 3; i += 1) await add(gpu, 500);
        const faults = failAhead(device, fault);
        await add(gpu, 500);
        expect(faults.count).toBe(1);
        for (let i = 0; i < 3; i += 1) await add(gpu, 500);
      }));

    it("do not let a batch write arrays twice", () =>
      using(async (gpu, _, device) => {
        let words = data.words(300);
        const y = await gpu.array(words);
        const stepTwice = () => Promise.all([3, 5].map((factor) => gpu.run(step, { factor, y })));
        const expectOnce = async () => {
          words = stepped(stepped(words, 3), 5);
          expectSame(await y.read(), words);
        };
        for (let i = 0; i < 3; i += 1) {
          await stepTwice();
          await expectOnce();
        }
        const faults = failAhead(device, fault);
        for (let i = 0; i < 3; i += 1) {
          await stepTwice();
          await expectOnce();
        }
        expect(faults.count).toBe(1);
        y.dispose();
      }));

    it("do not stop a sequence", () =>
      using(async (gpu, _, device) => {
        const b = data.floats(100);
        const parameters = { a: b, c: output(Float32Array, 100) };
        const sequence = await gpu.record(parameters, (run, { a, c }) => run(subtract, { a, b, c }));
        const replay = async () => {
          const a = data.floats(100);
          expectSame((await sequence.replay({ a })).c, subtractReference(a, b));
        };
        for (let i = 0; i < 3; i += 1) await replay();
        failAhead(device, fault);
        await replay();
        for (let i = 0; i < 3; i += 1) await replay();
        sequence.dispose();
      }));
  });
});
