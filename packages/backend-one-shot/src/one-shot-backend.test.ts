import { type ComputeBackend, defineKernel, output, type RunPhase, type TimeSpan } from "@kiln-gpu/core";
import { spin, starve, TraceLog } from "@kiln-gpu/test-support";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openOneShotBackend } from "./open-one-shot-backend.js";
import {
  double,
  onSubmit,
  openTestDevice,
  ownDevices,
  refuseBindGroups,
  setTimestamps,
  software,
  watchResources,
} from "./watched-devices.test-support.js";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const a = new Uint32Array([1, 2, 3]);
const bindings = { a, b: output(Uint32Array, 3) };

/** The two buffers that `double` binds, and the download buffer of its output. */
const bufferCount = 3;
const byteLength = bufferCount * a.byteLength;

function liveOf(backend: ComputeBackend) {
  const { bindGroups, buffers, devices, pipelines, queue } = backend.stats();
  return {
    bindGroups: bindGroups.live,
    buffers: buffers.live,
    bytes: buffers.bytes,
    devices: devices.live,
    pipelines: pipelines.live,
    inFlight: queue.inFlight,
  };
}

const nothingLive = { bindGroups: 0, buffers: 0, bytes: 0, devices: 0, pipelines: 0, inFlight: 0 };

describe("on a caller's own device", () => {
  test("each run destroys once what it made, and leaves the device alone", async () => {
    const device = await openTestDevice();
    const { made, destroyed } = watchResources(device);
    const destroyDevice = vi.spyOn(device, "destroy");
    await using backend = await openOneShotBackend({ device });
    expect([...(await backend.run(double, bindings)).b]).toEqual([2, 4, 6]);
    expect(destroyed()).toEqual(Array(bufferCount).fill(1));
    await backend.run(double, bindings, { profile: true });
    // The timer has resources too.
    expect(made.length).toBeGreaterThan(2 * bufferCount);
    expect(destroyed()).toEqual(made.map(() => 1));
    expect(destroyDevice).not.toHaveBeenCalled();
    expect(backend.stats().devices).toMatchObject({ made: 0, live: 0, lost: 0 });
  });

  test("a run that the device refuses destroys once what it made", async () => {
    const device = await openTestDevice();
    refuseBindGroups(device);
    const { made, destroyed } = watchResources(device);
    await using backend = await openOneShotBackend({ device });
    await expect(backend.run(double, bindings, { profile: true })).rejects.toMatchObject({ code: "invalid-kernel" });
    expect(made.length).toBeGreaterThan(bufferCount);
    expect(destroyed()).toEqual(made.map(() => 1));
    expect(liveOf(backend)).toEqual(nothingLive);
  });

  test("a run without memory destroys what it got, and says how much it needs", async () => {
    const device = await openTestDevice();
    const { destroyed } = watchResources(device);
    await using backend = await openOneShotBackend({ device });
    starve(device);
    await expect(backend.run(double, bindings)).rejects.toMatchObject({
      code: "out-of-memory",
      message: `Kernel "double" needs ${byteLength} bytes, which the device does not have.`,
      cause: { message: "no memory left, says the suite" },
    });
    expect(destroyed()).toEqual(Array(bufferCount).fill(1));
    expect(liveOf(backend)).toEqual(nothingLive);
  });

  test("a buffer that the host has no memory to map is out of memory too", async () => {
    const device = await openTestDevice();
    const { made, destroyed } = watchResources(device);
    await using backend = await openOneShotBackend({ device });
    const cause = new RangeError("The mapping fails.");
    const { createBuffer } = device;
    device.createBuffer = (descriptor) => {
      if (made.length > 0) throw cause;
      return createBuffer(descriptor);
    };
    await expect(backend.run(double, bindings)).rejects.toMatchObject({ code: "out-of-memory", cause });
    expect(destroyed()).toEqual([1]);
    device.createBuffer = createBuffer;
    expect([...(await backend.run(double, bindings)).b]).toEqual([2, 4, 6]);
  });

  test("input that is transferred after the call rejects the run, and nothing is allocated", async () => {
    const device = await openTestDevice();
    const { made } = watchResources(device);
    const taken = a.slice();
    await using backend = await openOneShotBackend({ device });
    // When the run compiles, it is planned already.
    const createShaderModule = device.createShaderModule.bind(device);
    device.createShaderModule = (descriptor) => {
      structuredClone(taken.buffer, { transfer: [taken.buffer] });
      return createShaderModule(descriptor);
    };
    await expect(backend.run(double, { ...bindings, a: taken })).rejects.toMatchObject({
      code: "invalid-binding",
      message: expect.stringMatching(/^Kernel "double" was given "a" with 12 bytes, and now it has 0/),
    });
    expect(made).toEqual([]);
  });
});

describe("counts", () => {
  test("what lives while the device works, and nothing of it afterwards", async () => {
    let during: unknown;
    const devices: GPUDevice[] = [];
    await using backend = await openOneShotBackend({
      device: ownDevices((device) => {
        devices.push(device);
        // The run counts its submission after the call to `submit`.
        onSubmit(device, () => queueMicrotask(() => (during = liveOf(backend))));
      }),
    });
    await backend.run(double, bindings);
    expect(during).toEqual({
      bindGroups: 1,
      buffers: bufferCount,
      bytes: byteLength,
      devices: 1,
      pipelines: 1,
      inFlight: 1,
    });
    expect(liveOf(backend)).toEqual(nothingLive);
    await backend.run(double, { a: a.subarray(1), b: output(Uint32Array, 2) });
    expect(backend.stats()).toMatchObject({
      runs: { started: 2, completed: 2 },
      submissions: 2,
      bindGroups: { made: 2, reused: 0 },
      buffers: { made: 2 * bufferCount, reused: 0, highWaterBytes: byteLength },
      devices: { made: 2, reused: 0, lost: 0, abandoned: 0 },
      pipelines: { made: 2, reused: 0 },
    });
    // The backend itself opened one, to learn what it is.
    expect(await Promise.all(devices.map(async ({ lost }) => (await lost).reason))).toEqual(Array(3).fill("destroyed"));
  });

  test("no device for a run that computes nothing", async () => {
    await using backend = await openOneShotBackend(software);
    const { b, profile } = await backend.run(double, { a, b: output(Uint32Array, 0) }, { profile: true });
    expect([b.length, profile.initMs]).toEqual([0, 0]);
    expect(backend.stats()).toMatchObject({ devices: { made: 0 }, submissions: 0, runs: { completed: 1 } });
  });
});

describe("prepare", () => {
  test("compiles on a device, which it destroys, and submits nothing", async () => {
    const devices: GPUDevice[] = [];
    const compiled: string[] = [];
    await using backend = await openOneShotBackend({
      device: ownDevices((device) => {
        devices.push(device);
        const createComputePipeline = device.createComputePipeline.bind(device);
        device.createComputePipeline = (descriptor) => {
          compiled.push(descriptor.label!);
          return createComputePipeline(descriptor);
        };
      }),
    });
    await backend.prepare(double);
    expect(compiled).toEqual(['Kernel "double"']);
    const broken = defineKernel({
      label: "broken",
      wgsl: "@compute @workgroup_size(1) fn main() { let x: u32 = 1.5; }",
    });
    await expect(backend.prepare(broken)).rejects.toMatchObject({ code: "shader-compilation" });
    expect(await Promise.all(devices.map(async ({ lost }) => (await lost).reason))).toEqual(Array(3).fill("destroyed"));
    expect(backend.stats()).toMatchObject({ submissions: 0, runs: { started: 0 } });
  });
});

describe("a caller who leaves after the submission", () => {
  test("finds `into` untouched when the device has ended", async () => {
    const device = await openTestDevice();
    const backend = await openOneShotBackend({ device });
    const into = new Uint32Array(3).fill(7);
    const stop = new AbortController();
    onSubmit(device, () => stop.abort());
    const run = backend.run(double, { a, b: output(Uint32Array, 3, { into }) }, { signal: stop.signal });
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    await backend.dispose();
    expect(backend.stats()).toMatchObject({ submissions: 1, runs: { failed: 1 } });
    expect([...into]).toEqual([7, 7, 7]);
    expect(liveOf(backend)).toEqual(nothingLive);
  });

  test("before the submission has nothing compiled or submitted", async () => {
    const stop = new AbortController();
    const onOpen = vi.fn();
    const backend = await openOneShotBackend({ device: ownDevices(onOpen) });
    onOpen.mockImplementation(() => stop.abort());
    const run = backend.run(double, bindings, { signal: stop.signal });
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    await backend.dispose();
    expect(backend.stats()).toMatchObject({ submissions: 0, devices: { made: 1, live: 0 }, pipelines: { made: 0 } });
  });

  test("and whose kernel goes on for the grace period leaves its device to end alone", async () => {
    const devices: GPUDevice[] = [];
    const resources: ReturnType<typeof watchResources>[] = [];
    const stop = new AbortController();
    const backend = await openOneShotBackend({
      device: ownDevices((device) => {
        devices.push(device);
        resources.push(watchResources(device));
        onSubmit(device, () => stop.abort());
      }),
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    // Until the device is abandoned only microtasks run, so the end of the kernel cannot come first.
    const run = backend.run(spin, { rounds: 3e7, c: output(Uint32Array, 1) }, { signal: stop.signal });
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    const unmap = vi.spyOn(resources[1]!.made.at(-1) as GPUBuffer, "unmap");
    vi.advanceTimersByTime(1999);
    expect(backend.stats().devices.abandoned).toBe(0);
    vi.advanceTimersByTime(1);
    expect(backend.stats().devices.abandoned).toBe(1);
    // A pending map would keep the process busy.
    expect(unmap).toHaveBeenCalledOnce();
    await backend.dispose();
    expect(resources[1]!.destroyed().slice(0, bufferCount)).toEqual([0, 0, 0]);
    expect(liveOf(backend)).toEqual(nothingLive);
    // After a pause the device is checked; the check waits for the end of the kernel.
    vi.advanceTimersByTime(500);
    await devices[1]!.lost;
    expect(backend.stats().devices).toMatchObject({ lost: 1, abandoned: 0 });
  });
});

describe("a device that is lost during a run", () => {
  test("rejects the run even if its results were mapped already", async () => {
    const device = ownDevices((opened) => {
      const createBuffer = opened.createBuffer.bind(opened);
      opened.createBuffer = (descriptor) => {
        const buffer = createBuffer(descriptor);
        const mapAsync = buffer.mapAsync.bind(buffer);
        buffer.mapAsync = async (mode) => {
          await mapAsync(mode);
          opened.destroy();
          await opened.lost;
          return undefined;
        };
        return buffer;
      };
    });
    await using backend = await openOneShotBackend({ device });
    const into = new Uint32Array(3).fill(7);
    const run = backend.run(double, { a, b: output(Uint32Array, 3, { into }) });
    await expect(run).rejects.toMatchObject({ code: "device-lost" });
    expect([...into]).toEqual([7, 7, 7]);
    expect(backend.stats().devices).toMatchObject({ live: 0, lost: 1 });
  });

  test("rejects the run, and is counted and traced", async () => {
    const tracer = new TraceLog();
    const device = ownDevices((opened) => onSubmit(opened, () => opened.destroy()));
    await using backend = await openOneShotBackend({ device, tracer });
    await expect(backend.run(double, bindings)).rejects.toMatchObject({ code: "device-lost" });
    expect(backend.stats().devices).toMatchObject({ made: 1, live: 0, lost: 1, abandoned: 0 });
    expect(tracer.devices).toMatchObject([
      { change: "lost", device: backend.device.name, error: { code: "device-lost" } },
    ]);
    expect(tracer.submissions).toMatchObject([{ error: { code: "device-lost" } }]);
    expect(liveOf(backend)).toEqual(nothingLive);
  });
});

describe("the trace", () => {
  test.each<[string, (device: GPUDevice) => void, string, RunPhase[]]>([
    ["at its submission", refuseBindGroups, "invalid-kernel", ["upload", "descriptors", "recording"]],
    ["for want of memory", starve, "out-of-memory", []],
  ])("of a run refused %s has the submission with its error, and its phases so far", async (_, spoil, code, phases) => {
    const device = await openTestDevice();
    const tracer = new TraceLog();
    await using backend = await openOneShotBackend({ device, tracer });
    spoil(device);
    await expect(backend.run(double, bindings)).rejects.toMatchObject({ code });
    const [submission] = tracer.submissions;
    expect(submission).toMatchObject({ id: 1, work: [1], error: { code } });
    expect(submission!.phases.map(({ phase }) => phase)).toEqual(phases);
    expect(tracer.runs).toMatchObject([{ id: 1, submission, error: { code } }]);
    expect(tracer.events).toHaveLength(2);
  });

  test("has the device's own time of a profiled run, in nanoseconds, as the profile has", async () => {
    const device = await openTestDevice();
    expect(device.features).toContain("timestamp-query");
    setTimestamps(device, [5_000_000_000n, 5_001_234_567n]);
    const tracer = new TraceLog();
    await using backend = await openOneShotBackend({ device, tracer });
    const { profile } = await backend.run(double, bindings, { profile: true });
    expect(profile.gpuTimeNs).toBe(1_234_567);
    expect(tracer.submissions[0]!.gpuTimeNs).toBe(1_234_567);
    expect("profile" in (await backend.run(double, bindings))).toBe(false);
    expect("gpuTimeNs" in tracer.submissions[1]!).toBe(false);
  });

  test("gives each step's time to its own phase, and no time to two", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const tracer = new TraceLog();
    // By this clock only these calls take time.
    const takes = <K extends string>(target: { [key in K]: (...args: never[]) => unknown }, method: K, ms: number) => {
      const real = target[method].bind(target);
      target[method] = ((...args: never[]) => {
        vi.advanceTimersByTime(ms);
        return real(...args);
      }) as never;
    };
    await using backend = await openOneShotBackend({
      tracer,
      device: ownDevices((device) => {
        vi.advanceTimersByTime(1);
        takes(device, "createComputePipeline", 2);
        takes(device, "createBindGroup", 8);
        takes(device, "createCommandEncoder", 16);
        takes(device.queue, "submit", 32);
        const createBuffer = device.createBuffer.bind(device);
        device.createBuffer = (descriptor) => {
          const buffer = createBuffer(descriptor);
          // The upload of the input and the download of the result each map one range.
          takes(buffer, "getMappedRange", descriptor.mappedAtCreation ? 4 : 64);
          return buffer;
        };
      }),
    });
    const slow = defineKernel({
      label: "slow",
      programs: { main: double.programs.main! },
      passes: () => {
        // This function is called while the run is planned, which belongs to no phase.
        vi.advanceTimersByTime(128);
        return [{ program: "main" }];
      },
    });
    const { profile } = await backend.run(slow, bindings, { profile: true });
    expect(profile).toMatchObject({
      initMs: 1,
      pipelineMs: 2,
      uploadMs: 4,
      descriptorsMs: 8,
      recordingMs: 16,
      computeMs: 32 + 64,
      downloadMs: 64,
      totalMs: 1 + 2 + 4 + 8 + 16 + 32 + 64 + 64 + 128,
    });
    const [run] = tracer.runs;
    const msOf = ({ startUs, endUs }: TimeSpan) => (endUs - startUs) / 1000;
    const named = (phases: readonly (TimeSpan & { phase: RunPhase })[]) =>
      phases.map((span) => [span.phase, msOf(span)]);
    expect(named(run!.phases)).toEqual([
      ["pipeline", 0],
      ["init", 1],
      ["pipeline", 2],
    ]);
    expect(named(run!.submission!.phases)).toEqual([
      ["upload", 4],
      ["descriptors", 8],
      ["recording", 16],
      ["compute", 96],
      ["download", 64],
    ]);
  });
});
