import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { lease } from "@kiln-gpu/core";
import { fieldAdd, runFieldAdd } from "@kiln-gpu/kernels";
import { expectNothingLive, LosableDevices, RandomData, software } from "@kiln-gpu/test-support";
import { openDevice } from "@kiln-gpu/webgpu";
import { describe, expect, it } from "vitest";
import { type Leak, openPersistentBackend, type PersistentComputeBackend } from "../index.js";

const data = new RandomData(61);

/** Collects garbage until `isDone`, and `most` times if it never is. */
async function collect(isDone: () => boolean, most = 250): Promise<void> {
  for (let i = 0; i < most && !isDone(); i += 1) {
    globalThis.gc!();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function using(work: (gpu: PersistentComputeBackend, leaks: Leak[]) => Promise<void>): Promise<void> {
  const leaks: Leak[] = [];
  const gpu = await openPersistentBackend({ ...software, leakDetection: (leak) => leaks.push(leak) });
  try {
    await work(gpu, leaks);
  } finally {
    await gpu.dispose();
    expectNothingLive(gpu);
  }
}

const kinds: readonly [string, RegExp, (gpu: PersistentComputeBackend) => Promise<Disposable>][] = [
  ["lease", /a lease on "c" of kernel "field-add", a Float32Array of 64/, leaseOf],
  ["lease on a part of an array", /a lease on "field", a Float32Array of 8/, arrayLeaseOf],
  ["staged memory", /staged memory, a Float32Array of 64/, memoryOf],
  ["resident array", /a resident Float32Array of 64/, arrayOf],
  ["sequence", /sequence "chain"/, sequenceOf],
];

async function memoryOf(gpu: PersistentComputeBackend) {
  return await gpu.stage(Float32Array, 64);
}

async function arrayOf(gpu: PersistentComputeBackend) {
  return await gpu.array(data.floats(64));
}

async function leaseOf(gpu: PersistentComputeBackend) {
  const { c } = await gpu.run(fieldAdd, { a: data.floats(64), b: data.floats(64), c: lease(Float32Array, 64) });
  return c;
}

async function arrayLeaseOf(gpu: PersistentComputeBackend) {
  using array = await gpu.array(data.floats(64), { label: "field" });
  return await array.lease({ start: 4, length: 8 });
}

async function sequenceOf(gpu: PersistentComputeBackend) {
  const c = lease(Float32Array, 64);
  const sequence = await gpu.record(
    { c },
    (run, { c }) => run(fieldAdd, { a: data.floats(64), b: data.floats(64), c }),
    { label: "chain" },
  );
  (await sequence.replay()).c.release();
  return sequence;
}

describe("a backend that is dropped", () => {
  it("without being disposed is reported once, with the call that opened it, and frees its device", async () => {
    const leaks: Leak[] = [];
    let lost: Promise<unknown> | undefined;
    const device = async () => {
      const { device: opened } = await openDevice(software);
      lost = opened.lost;
      return opened;
    };
    const openAndDrop = async () => {
      const gpu = await openPersistentBackend({ device, leakDetection: (leak) => leaks.push(leak) });
      await runFieldAdd(gpu, data.floats(64), data.floats(64));
    };
    await openAndDrop();
    await collect(() => leaks.length > 0);
    expect(leaks).toEqual([{ what: "a persistent backend", stack: expect.stringMatching(/openPersistentBackend/) }]);
    expect(await lost).toMatchObject({ reason: "destroyed" });
  });

  it.each(kinds)("goes, with what it was dropped with, without a listener: a %s", async (_, _what, make) => {
    const openAndDrop = async () => {
      const gpu = await openPersistentBackend({ ...software, leakDetection: false });
      await runFieldAdd(gpu, data.floats(64), data.floats(64));
      return [new WeakRef<object>(await make(gpu)), new WeakRef<object>(gpu)];
    };
    const dropped = await openAndDrop();
    // To look at one keeps it until what looks has returned.
    await collect(() => false, 20);
    expect(dropped.filter((each) => each.deref())).toEqual([]);
  });

  it("is none while something of it is in use", async () => {
    const leaks: Leak[] = [];
    const openArray = async () => {
      const gpu = await openPersistentBackend({ ...software, leakDetection: (leak) => leaks.push(leak) });
      return { array: await gpu.array(data.floats(64)), gpu: new WeakRef(gpu) };
    };
    const { array, gpu } = await openArray();
    await collect(() => leaks.length > 0, 20);
    expect(leaks).toEqual([]);
    expect(await array.read()).toHaveLength(64);
    array.dispose();
    await gpu.deref()!.dispose();
  });

  it("without being disposed frees nothing that a lease shows", async () => {
    const leaks: Leak[] = [];
    const openLease = async () => {
      const gpu = await openPersistentBackend({ ...software, leakDetection: (leak) => leaks.push(leak) });
      return await leaseOf(gpu);
    };
    const held = await openLease();
    await collect(() => leaks.length > 0);
    expect(leaks.map(({ what }) => what)).toEqual(["a persistent backend"]);
    expect(held.data).toHaveLength(64);
    held.release();
  });
});

describe("a backend that is disposed", () => {
  interface Service {
    gpu?: AsyncDisposable;
  }

  /** Opens a backend that `service` reaches, and that reaches `service`. */
  type Open = (service: Service, device: { device?: GPUDevice }) => Promise<AsyncDisposable>;

  const ways: readonly [string, Open][] = [
    [
      "leak callback",
      async (service, device) => {
        const gpu = await openPersistentBackend({ ...software, ...device, leakDetection: () => service.gpu });
        await runFieldAdd(gpu, data.floats(64), data.floats(64));
        return gpu;
      },
    ],
    [
      "tracer",
      async (service, device) => {
        const tracer = { record: () => service.gpu };
        const gpu = await openPersistentBackend({ ...software, ...device, leakDetection: false, tracer });
        await runFieldAdd(gpu, data.floats(64), data.floats(64));
        return gpu;
      },
    ],
    [
      "tracer, one-shot",
      async (service, device) => {
        const gpu = await openOneShotBackend({ ...software, ...device, tracer: { record: () => service.gpu } });
        await runFieldAdd(gpu, data.floats(64), data.floats(64));
        return gpu;
      },
    ],
  ];

  async function expectCollected(open: Open, device: { device?: GPUDevice }): Promise<void> {
    const refs: WeakRef<object>[] = [];
    const openAndDispose = async () => {
      const service: Service = {};
      service.gpu = await open(service, device);
      await service.gpu[Symbol.asyncDispose]();
      refs.push(new WeakRef(service));
    };
    for (let i = 0; i < 4; i += 1) await openAndDispose();
    // To look at one keeps it until what looks has returned.
    await collect(() => false, 20);
    expect(refs.map((ref) => ref.deref())).toEqual([undefined, undefined, undefined, undefined]);
  }

  it.each(ways)("goes with what its %s reaches", (_, open) => expectCollected(open, {}));

  it.each(ways)("goes with what its %s reaches where the device, the caller's own, stays", async (_, open) => {
    const own = await openDevice(software);
    await expectCollected(open, { device: own.device });
    expect(own.loss).toBeUndefined();
    await own.close();
  });
});

describe("memory that is dropped without being given back", () => {
  it.each(kinds)("is given back once its device is lost: a %s", async (_, _what, make) => {
    const devices = new LosableDevices();
    const gpu = await openPersistentBackend({ device: devices.open, store: false, leakDetection: false });
    const dropped = await (async () => new WeakRef<object>(await make(gpu)))();
    // To look at it keeps it until what looks has returned.
    await collect(() => false, 20);
    const lost = new Promise((resolve) => gpu.on("lost", resolve));
    devices.lose();
    await lost;
    await runFieldAdd(gpu, data.floats(64), data.floats(64));
    expect(gpu.stats().buffers.inUseBytes).toBe(0);
    expect(dropped.deref()).toBeUndefined();
    await gpu.dispose();
    expectNothingLive(gpu);
  });

  it.each(kinds)("is reported once, with the call that made it: a %s", (_, what, make) =>
    using(async (gpu, leaks) => {
      await make(gpu);
      await collect(() => leaks.length > 0);
      expect(leaks.map((leak) => leak.what)).toEqual([expect.stringMatching(what)]);
      expect(leaks[0]!.stack).toMatch(make.name);
      await collect(() => leaks.length > 1, 5);
      expect(leaks).toHaveLength(1);
    }),
  );

  it.each(kinds)("is not what was given back, nor what is still held: a %s", (_, _what, make) =>
    using(async (gpu, leaks) => {
      const held = await make(gpu);
      (await make(gpu))[Symbol.dispose]();
      await collect(() => leaks.length > 0, 20);
      expect(leaks).toEqual([]);
      held[Symbol.dispose]();
    }),
  );

  it("is not the memory of a run that has ended: neither its arrays nor its results stay in reach of the backend", () =>
    using(async (gpu) => {
      const refs: WeakRef<object>[] = [];
      const runOnce = async () => {
        const c = await gpu.array(Float32Array, 1000);
        const bindings = { a: data.floats(1000), b: data.floats(1000), c };
        refs.push(new WeakRef(bindings.a), new WeakRef(c));
        await gpu.run(fieldAdd, bindings);
        c.dispose();
      };
      await runOnce();
      await runOnce();
      // Without looking: what is looked at is kept for as long as the same job goes on.
      await collect(() => false, 20);
      expect(refs.map((ref) => ref.deref()?.constructor.name)).toEqual([undefined, undefined, undefined, undefined]);
    }));
});
