import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { type ComputeError, defineKernel, type Kernel, lease, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import {
  eventually,
  expectError,
  expectNothingLive,
  expectSame,
  LosableDevices,
  nextSubmission,
  RandomData,
  software,
  spin,
  spinBindings,
  step,
  TraceLog,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { openDevice } from "@kiln-gpu/webgpu";
import { describe, expect, it, vi } from "vitest";
import { openPersistentBackend } from "../index.js";
import { eventsOf, expectRun, loseAtWork, nextEvent, withLosses } from "./losses.test-support.js";

const data = new RandomData(31);

/** A kernel of its own for each number. */
const prepared = (i: number): Kernel =>
  defineKernel({
    label: `prepared ${i}`,
    wgsl: `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(1) fn main() { y[0] = ${i}u; }` as string,
  });

/**
 * As one whose driver resets it when it is first given work, and says so to who next gives it some: no map of it ends
 * before.
 */
function makeSilent(device: GPUDevice): void {
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const fails = device.lost.then(() => Promise.reject(new Error("A map of a lost device.")));
    fails.catch(() => undefined);
    buffer.mapAsync = () => fails;
    return buffer;
  };
  let submissions = 0;
  device.queue.submit = () => {
    submissions += 1;
    if (submissions > 1) device.destroy();
    return undefined;
  };
}

describe("a device that is lost", () => {
  it("is replaced, and the runs in flight are run again", async () => {
    await withLosses(async (backend, lose, devices) => {
      await expectRun(backend);
      for (let round = 0; round < 5; round += 1) {
        const runs = Array.from({ length: 20 }, () => expectRun(backend));
        await Promise.resolve();
        lose();
        runs.push(expectRun(backend));
        await Promise.all(runs);
      }
      const { runs, devices: counted } = backend.stats();
      expect(runs).toMatchObject({ failed: 0, pending: 0 });
      expect(runs.retried).toBeGreaterThan(0);
      expect(counted).toMatchObject({ made: 6, live: 1, lost: 5, abandoned: 0 });
      expect(devices).toHaveLength(6);
    });
  });

  it("while it works rejects its runs where that is asked for, and the next run has another", async () => {
    await withLosses(
      async (backend, lose, devices) => {
        await backend.prepare(spin);
        const submission = nextSubmission(devices[0]!);
        const run = expectError(backend.run(spin, spinBindings), "device-lost", /lost.*destroyed/);
        await submission;
        lose();
        await run;
        await expectRun(backend);
        expect(backend.stats().runs.retried).toBe(0);
      },
      { lossRetries: 0 },
    );
  });

  it("again and again fails a run after the retries that are asked for", async () => {
    const devices: GPUDevice[] = [];
    const device = async () => {
      const { device: opened } = await openDevice(software);
      devices.push(opened);
      loseAtWork(opened);
      return opened;
    };
    await using backend = await openPersistentBackend({ device, lossRetries: 3, store: false });
    await expectError(runFieldAdd(backend, data.floats(9), data.floats(9)), "device-lost", /lost.*destroyed/);
    expect(backend.stats().runs).toMatchObject({ failed: 1, retried: 3 });
    expect(devices.length).toBeGreaterThanOrEqual(4);
  });

  for (const name of ["persistent", "one-shot"]) {
    it(`and told of only to who gives it work is found out, ${name}`, async () => {
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
      try {
        let opened = 0;
        const device = async () => {
          const { device: given } = await openDevice(software);
          opened += 1;
          // A one-shot backend opens one when it is opened, and looks at it.
          if (opened === (name === "persistent" ? 1 : 2)) makeSilent(given);
          return given;
        };
        await using backend = await (name === "persistent"
          ? openPersistentBackend({ device, store: false })
          : openOneShotBackend({ device }));
        const [a, b] = [data.floats(100), data.floats(100)];
        const run = runFieldAdd(backend, a, b).catch((error: ComputeError) => error.code);
        while (backend.stats().submissions === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        vi.advanceTimersByTime(10_000);
        const c = await run;
        if (name === "persistent") expectSame(c as Float32Array, fieldAddReference(a, b));
        else expect(c).toBe("device-lost");
        expectSame(await runFieldAdd(backend, a, b), fieldAddReference(a, b));
      } finally {
        vi.useRealTimers();
      }
    });
  }

  it("is told of, and that another has taken its place", async () => {
    await withLosses(async (backend, lose) => {
      const { lost, recovered } = eventsOf(backend);
      await backend.prepare(fieldAdd);
      await expectRun(backend);
      using weights = await backend.array(data.floats(10), { label: "weights" });
      using plain = await backend.array(Uint32Array, 7);
      const recovery = nextEvent(backend, "recovered");
      lose();
      await recovery;
      expect(lost).toEqual([
        {
          reason: expect.objectContaining({ code: "device-lost" }),
          lost: ['resident array "weights"', "a resident Uint32Array of 7"],
          isRecovering: true,
        },
      ]);
      expect(recovered).toEqual([{ device: backend.device, restored: [], prepared: ["field-add"] }]);
      const { pipelines } = backend.stats();
      // Small sizes choose another workgroup.
      expect(pipelines.live).toBe(2);
      await expectRun(backend);
      expect(backend.stats().pipelines.made).toBe(pipelines.made);
      await expectError(weights.read(), "device-lost", /resident array "weights" was lost with its device/);
      await expectError(plain.read(), "device-lost", /a resident Uint32Array of 7 was lost/);
      const c = output(Float32Array, 10);
      await expectError(
        backend.run(fieldAdd, { a: weights, b: data.floats(10), c }),
        "device-lost",
        /"a".*resident array "weights" was lost/,
      );
    });
  });

  it("is replaced by one on which the latest kernels are prepared, as many as there may be pipelines", () =>
    withLosses(
      async (backend, lose) => {
        const kernels = Array.from({ length: 5 }, (_, i) => prepared(i));
        for (const kernel of [...kernels, kernels[2]!]) await backend.prepare(kernel);
        await expectRun(backend);
        const recovered = nextEvent(backend, "recovered");
        lose();
        expect(await recovered).toMatchObject({ prepared: ["prepared 3", "prepared 4", "prepared 2"] });
      },
      { maxPipelines: 3 },
    ));

  it("is replaced by one on which every kernel is prepared that still can be", async () => {
    const devices = new LosableDevices();
    const device = async () => {
      const opened = await devices.open();
      const createComputePipelineAsync = opened.createComputePipelineAsync.bind(opened);
      if (devices.opened.length > 1) {
        opened.createComputePipelineAsync = (descriptor) =>
          descriptor.label?.includes("prepared 1")
            ? Promise.reject(new Error("The driver refuses it."))
            : createComputePipelineAsync(descriptor);
      }
      return opened;
    };
    await using backend = await openPersistentBackend({ device, store: false });
    for (const i of [0, 1, 2]) await backend.prepare(prepared(i));
    await expectRun(backend);
    const { recovered } = eventsOf(backend);
    const recovery = nextEvent(backend, "recovered");
    devices.lose();
    await recovery;
    expect(recovered).toMatchObject([{ prepared: ["prepared 0", "prepared 2"] }]);
  });

  it("is told of as recovered only once another is there that is not lost while kernels are prepared on it", async () => {
    const devices = new LosableDevices();
    const device = async () => {
      const opened = await devices.open();
      const createComputePipelineAsync = opened.createComputePipelineAsync.bind(opened);
      if (devices.opened.length === 2) {
        opened.createComputePipelineAsync = (descriptor) => {
          opened.destroy();
          return createComputePipelineAsync(descriptor);
        };
      }
      return opened;
    };
    await using backend = await openPersistentBackend({ device, store: false });
    await backend.prepare(prepared(0));
    await expectRun(backend);
    const { lost, recovered } = eventsOf(backend);
    devices.lose();
    await eventually(() => expect(lost).toHaveLength(2));
    const recovery = nextEvent(backend, "recovered");
    await expectRun(backend);
    await recovery;
    expect(devices.opened).toHaveLength(3);
    expect(recovered).toMatchObject([{ prepared: ["prepared 0"] }]);
  });

  it("is replaced by one on which nothing is prepared once its backend is being disposed", async () => {
    const devices = new LosableDevices();
    let disposal: Promise<void> | undefined;
    const device = () => {
      if (devices.opened.length > 0) disposal = backend.dispose();
      return devices.open();
    };
    const backend = await openPersistentBackend({ device, store: false });
    const kernels = [0, 1, 2, 3, 4].map(prepared);
    for (const kernel of kernels) await backend.prepare(kernel);
    const y = output(Uint32Array, 1);
    await backend.run(kernels[0]!, { y });
    devices.lose();
    const run = backend.run(kernels[3]!, { y });
    expect([...(await run).y]).toEqual([3]);
    await disposal;
    // What was prepared, and on the other device the kernel of the run that waited for it.
    expect(backend.stats().pipelines.made).toBe(6);
    expectNothingLive(backend);
  });

  it("since its backend is disposed is neither told of nor counted", async () => {
    const trace = new TraceLog();
    const backend = await openPersistentBackend({ ...software, store: false, tracer: trace });
    const { lost } = eventsOf(backend);
    await expectRun(backend);
    await backend.dispose();
    expect(lost).toEqual([]);
    expect(trace.devices).toEqual([]);
    expect(backend.stats().devices).toMatchObject({ made: 1, live: 0, lost: 0 });
  });

  it("before it was of any use is not replaced unless someone needs another", async () => {
    let asked = 0;
    const devices = new LosableDevices();
    const device = () => {
      asked += 1;
      return devices.open();
    };
    const backend = await openPersistentBackend({ device, store: false });
    const loss = nextEvent(backend, "lost");
    devices.lose();
    await loss;
    // It would wait for a device that is being opened.
    await backend.dispose();
    expect(asked).toBe(1);
  });

  it("is not replaced where that is not wanted, or where the device is the caller's own", async () => {
    await withLosses(
      async (backend, lose, devices) => {
        const { lost } = eventsOf(backend);
        await expectRun(backend);
        lose();
        await expectError(runFieldAdd(backend, data.floats(9), data.floats(9)), "device-lost", /destroyed/);
        expect(devices).toHaveLength(1);
        expect(lost).toMatchObject([{ isRecovering: false }]);
      },
      { recovery: false },
    );
    await withOwnDevice(async (device) => {
      await using backend = await openPersistentBackend({ device });
      device.destroy();
      await expectError(runFieldAdd(backend, data.floats(9), data.floats(9)), "device-lost", /destroyed/);
    });
  });

  it("rejects with the reason while no other can be opened, and is replaced once one can", async () => {
    let isBroken = false;
    const devices: GPUDevice[] = [];
    const device = async () => {
      if (isBroken) throw new Error("the driver is gone");
      devices.push((await openDevice(software)).device);
      return devices.at(-1)!;
    };
    await using backend = await openPersistentBackend({ device });
    await expectRun(backend);
    isBroken = true;
    devices.at(-1)!.destroy();
    const error = await expectError(
      runFieldAdd(backend, data.floats(9), data.floats(9)),
      "device-lost",
      /destroyed.*No other can be opened: .*the driver is gone/,
    );
    expect(error.cause).toBeDefined();
    isBroken = false;
    await expectRun(backend);
  });

  it("while `dispose` waits for runs is replaced for them", async () => {
    await withLosses(async (backend, lose) => {
      await expectRun(backend);
      const runs = Promise.all([expectRun(backend), expectRun(backend)]);
      lose();
      await Promise.all([backend.dispose(), runs]);
      expect(backend.stats().runs).toMatchObject({ failed: 0, pending: 0 });
    });
  });

  it("before it is of any use is replaced by the next, for all who wait", async () => {
    const devices: GPUDevice[] = [];
    const device = async () => {
      const { device: opened } = await openDevice(software);
      devices.push(opened);
      // The second and the third, as the array is restored to them.
      if (devices.length === 2 || devices.length === 3) {
        const { submit } = opened.queue;
        opened.queue.submit = (commands) => {
          submit.call(opened.queue, commands);
          opened.destroy();
          return undefined;
        };
      }
      return opened;
    };
    await using backend = await openPersistentBackend({ device, lossRetries: 0, store: false });
    const elements = data.words(100);
    using first = await backend.array(elements, { recoverable: true });
    using second = await backend.array(elements, { recoverable: true });
    const loss = nextEvent(backend, "lost");
    devices[0]!.destroy();
    await loss;
    const run = expectRun(backend);
    expectSame(await first.read(), elements);
    expectSame(await second.read(), elements);
    await run;
    expect(devices).toHaveLength(4);
  });

  it("takes no memory from who waits for some: the next device has it", async () => {
    const byteBudget = 2 ** 20;
    await withLosses(
      async (backend, lose) => {
        using held = await backend.array(Uint8Array, 0.75 * byteBudget);
        const staging = backend.stage(Uint8Array, byteBudget / 2);
        const making = backend.array(Uint8Array, byteBudget / 4 + 4);
        await Promise.resolve();
        lose();
        using staged = await staging;
        expect(staged.data).toHaveLength(byteBudget / 2);
        using made = await making;
        expect(await made.read({ length: 1 })).toHaveLength(1);
        await expectError(held.read(), "device-lost");
      },
      { byteBudget },
    );
  });

  it("leaves nothing in the account, also where a buffer was being made", async () => {
    await withLosses(async (backend, lose, devices) => {
      await expectRun(backend);
      const [device] = devices as [GPUDevice];
      const popErrorScope = device.popErrorScope.bind(device);
      const recovery = nextEvent(backend, "recovered");
      device.popErrorScope = async () => {
        const error = await popErrorScope();
        await recovery;
        return error;
      };
      const made = backend.array(data.words(1000));
      lose();
      await recovery;
      backend.stats();
      (await made).dispose();
    });
  });

  it.each(["before", "while", "after"])("does not keep `dispose` waiting, %s another is opened", async (when) => {
    let onOpening = () => {};
    const opening = new Promise<void>((resolve) => {
      onOpening = resolve;
    });
    const devices: GPUDevice[] = [];
    const device = async () => {
      if (devices.length > 0) onOpening();
      devices.push((await openDevice(software)).device);
      return devices.at(-1)!;
    };
    const backend = await openPersistentBackend({ device, store: false });
    await expectRun(backend);
    const recovery = nextEvent(backend, "recovered");
    const run = runFieldAdd(backend, data.floats(9), data.floats(9)).catch((error: ComputeError) => error.code);
    devices[0]!.destroy();
    if (when === "while") await opening;
    if (when === "after") await recovery;
    await backend.dispose();
    expectNothingLive(backend);
    const result = await run;
    if (typeof result === "string") expect(result).toMatch(/^(device-lost|disposed)$/);
  });
});

describe("what callers hold of a lost device", () => {
  it("is no empty memory before the loss is told", async () => {
    await withLosses(async (backend, lose) => {
      const a = data.floats(64);
      using staged = await backend.stage(Float32Array, 64);
      using c = (await backend.run(fieldAdd, { a, b: a, c: lease(Float32Array, 64) })).c;
      lose();
      expect(() => staged.data).toThrow(/staged Float32Array of 64 was lost with its device/);
      expect(() => c.data).toThrow(/lease on "c" was lost with its device/);
    });
  });

  it("is not told of as lost where it was given back while a run needs it", async () => {
    const devices = new LosableDevices();
    await using backend = await openPersistentBackend({ device: devices.open, store: false });
    const y = await backend.array(data.words(64));
    await backend.prepare(step);
    const { lost } = eventsOf(backend);
    const submission = nextSubmission(devices.opened[0]!);
    const run = expectError(backend.run(step, { factor: 3, y }), "device-lost");
    await submission;
    y.dispose();
    devices.lose();
    await run;
    expect(lost).toMatchObject([{ lost: [] }]);
  });

  it("is lost by name: sequences, staged memory and leases", async () => {
    await withLosses(async (backend, lose) => {
      const a = data.floats(64);
      const sequence = await backend.record(
        { a, c: output(Float32Array, 64) },
        (run, { a: x, c }) => {
          run(fieldAdd, { a: x, b: a, c });
        },
        { label: "sums" },
      );
      const staged = await backend.stage(Float32Array, 64);
      const { c } = await backend.run(fieldAdd, { a, b: a, c: lease(Float32Array, 64) });
      const loss = nextEvent(backend, "lost");
      lose();
      expect(await loss).toMatchObject({
        lost: [
          'sequence "sums"',
          "staged memory, a Float32Array of 64",
          'a lease on "c" of kernel "field-add", a Float32Array of 64',
        ],
      });
      await expectError(sequence.replay(), "device-lost", /"sums" was lost with its device; record it again/);
      expect(() => staged.data).toThrow(/staged Float32Array of 64 was lost with its device; stage another/);
      expect(() => c.data).toThrow(/lease on "c" was lost with its device/);
      await expectError(
        backend.run(fieldAdd, { a: staged, b: a, c: output(Float32Array, 64) }),
        "device-lost",
        /staged Float32Array of 64 was lost/,
      );
      for (const holder of [sequence, staged, c]) holder[Symbol.dispose]();
      await expectRun(backend);
    });
  });
});
