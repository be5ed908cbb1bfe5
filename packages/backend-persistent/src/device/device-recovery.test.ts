import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import {
  type ComputeError,
  type DeviceLost,
  type DeviceRecovered,
  defineKernel,
  type Kernel,
  lease,
  output,
} from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import {
  combine,
  combined,
  expectError,
  expectNothingLive,
  expectSame,
  nextSubmission,
  RandomData,
  software,
  spin,
  spinBindings,
  step,
  stepped,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { bufferUsage, openDevice } from "@kiln-gpu/webgpu";
import { describe, expect, it, vi } from "vitest";
import { openPersistentBackend, type PersistentBackendOptions } from "../index.js";

const data = new RandomData(31);

type Backend = Awaited<ReturnType<typeof openPersistentBackend>>;

/** A backend whose devices a test can lose, as a driver's reset would. */
async function withLosses(
  work: (backend: Backend, lose: () => void, devices: GPUDevice[]) => Promise<void>,
  options: PersistentBackendOptions = {},
): Promise<void> {
  const devices: GPUDevice[] = [];
  const device = async () => {
    const open = await openDevice(software);
    devices.push(open.device);
    return open.device;
  };
  const backend = await openPersistentBackend({ device, ...options });
  try {
    await work(backend, () => devices.at(-1)!.destroy(), devices);
  } finally {
    await backend.dispose();
  }
  expectNothingLive(backend);
}

/** The events of a backend, as they come. */
function eventsOf(backend: Backend) {
  const lost: DeviceLost[] = [];
  const recovered: DeviceRecovered[] = [];
  backend.on("lost", (event) => lost.push(event));
  backend.on("recovered", (event) => recovered.push(event));
  return { lost, recovered };
}

const nextEvent = <E extends "lost" | "recovered">(backend: Backend, event: E) =>
  new Promise<unknown>((resolve) => {
    const forget = backend.on(event, (told) => {
      forget();
      resolve(told);
    });
  });

/** A kernel of its own for each number. */
const prepared = (i: number): Kernel =>
  defineKernel({
    label: `prepared ${i}`,
    wgsl: `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(1) fn main() { y[0] = ${i}u; }` as string,
  });

async function expectRun(backend: Backend): Promise<void> {
  const a = data.floats(data.upTo(3000));
  const b = data.floats(a.length);
  expectSame(await runFieldAdd(backend, a, b), fieldAddReference(a, b));
}

/** As one whose driver resets it when it is first given work, and says so to who next gives it some: no map of it ends before. */
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

/** Right after it is given work. */
function loseAtWork(device: GPUDevice): void {
  const submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (commands) => {
    submit(commands);
    device.destroy();
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

  it("is not restored again and again while nobody waits for a device", async () => {
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
        const failed = expectError(run, "dependency-failed", /that failed: The device .* is lost/u);
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

  it("is lost once a run or a copy has written it", async () => {
    await withLosses(async (backend, lose) => {
      using written = await backend.array(data.words(10, 9), { label: "written", recoverable: true });
      using copied = await backend.array(data.words(10, 9), { label: "copied", recoverable: true });
      using kept = await backend.array(data.words(10, 9), { label: "kept", recoverable: true });
      await backend.run(step, { factor: 2, y: written });
      await copied.copyFrom(kept);
      const loss = nextEvent(backend, "lost");
      lose();
      expect(await loss).toMatchObject({ lost: ['resident array "written"', 'resident array "copied"'] });
      await expectError(written.read(), "device-lost");
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
