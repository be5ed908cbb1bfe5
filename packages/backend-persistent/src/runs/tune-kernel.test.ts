import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { defineKernel, inout, output } from "@kiln-gpu/core";
import { expectError, expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { openDevice } from "@kiln-gpu/webgpu";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { PersistentComputeBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(53);

/** Tells which size it runs with: `y[i] = 2 * y[i]`, and the workgroup's size after the last thread. */
const wgsl = `override workgroup_size: u32 = 16;
  @group(0) @binding(0) var<storage, read_write> y: array<u32>;
  @group(0) @binding(1) var<storage, read_write> size: array<u32>;
  @compute @workgroup_size(workgroup_size) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&y)) { y[id.x] = 2 * y[id.x]; }
    if (id.x == 0) { size[0] = workgroup_size; }
  }`;

const twice = (values: readonly number[]) =>
  defineKernel({
    label: "twice",
    wgsl,
    tunable: { workgroup_size: values },
    threads: ({ y }) => (y as Uint32Array).length,
  });

const bindingsOf = (length: number) => ({ y: inout(data.words(length, 1e9)), size: output(Uint32Array, 1) });

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "kiln-tuning-"));
  vi.stubEnv("KILN_STORE", "on");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

/** Opens a device on which a submission takes `msOf` its workgroups, by the fake clock of a test. */
async function openTimed(msOf: (workgroups: number) => number): Promise<GPUDevice> {
  const { device } = await openDevice(software);
  device.createQuerySet = () => {
    throw new Error("This device has no clock of its own.");
  };
  let workgroups = 0;
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder(descriptor);
    const beginComputePass = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (passDescriptor) => {
      const pass = beginComputePass(passDescriptor);
      const dispatchWorkgroups = pass.dispatchWorkgroups.bind(pass);
      pass.dispatchWorkgroups = (x, y, z) => {
        workgroups += x;
        dispatchWorkgroups(x, y, z);
      };
      return pass;
    };
    return encoder;
  };
  const submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (commands) => {
    submit(commands);
    vi.advanceTimersByTime(msOf(workgroups));
    workgroups = 0;
    return undefined;
  };
  return device;
}

async function sizeOf(
  gpu: PersistentComputeBackend,
  kernel: ReturnType<typeof twice>,
  length: number,
): Promise<number> {
  const bindings = bindingsOf(length);
  const { y, size } = await gpu.run(kernel, bindings);
  expectSame(
    y,
    bindings.y.data.map((value) => 2 * value),
  );
  return size[0]!;
}

describe("a tunable constant", () => {
  it("is the first of its values, or the first that the device can run, or one that suits few or many elements better", () =>
    usingBackend(async (gpu) => {
      expect(await sizeOf(gpu, twice([64, 32, 128]), 1000)).toBe(64);
      expect(await sizeOf(gpu, twice([64, 32, 128]), 20)).toBe(32);
      expect(await sizeOf(gpu, twice([1 << 20, 128, 64]), 1000)).toBe(128);
      expect(await sizeOf(gpu, twice([1, 4, 64]), 100_000)).toBe(4);
      const sequence = await gpu.record(bindingsOf(50), (run, bindings) => run(twice([64, 32]), bindings));
      expect((await sequence.replay()).size[0]).toBe(64);
      sequence.dispose();
    }));

  it("is prepared in every form that a size may ask for", () =>
    usingBackend(async (gpu) => {
      const kernel = twice([1, 4, 64]);
      await gpu.prepare(kernel);
      const { made } = gpu.stats().pipelines;
      const sizes = [await sizeOf(gpu, kernel, 20), await sizeOf(gpu, kernel, 100_000)];
      expect(sizes).toEqual([1, 4]);
      expect(gpu.stats().pipelines.made).toBe(made);
    }));

  it("is the first of its values on a backend that chooses none, and as it is told where it is specialized", async () => {
    const oneShot = await openOneShotBackend(software);
    expect((await oneShot.run(twice([64, 32]), bindingsOf(20))).size[0]).toBe(64);
    expect((await oneShot.run(twice([64, 32]).specialize({ workgroup_size: 8 }), bindingsOf(20))).size[0]).toBe(8);
    await oneShot.dispose();
  });

  it("is refused where the shader has no such constant", () =>
    usingBackend(async (gpu) => {
      const kernel = defineKernel({ label: "none", wgsl, tunable: { tile: [1, 2] } });
      await expectError(gpu.run(kernel, bindingsOf(4)), "invalid-kernel", /"none".*"tile"/);
      await expectError(gpu.run(kernel, bindingsOf(4)), "invalid-kernel", /"none".*"tile"/);
    }));
});

describe("tune", () => {
  it.each([
    ["runs the quickest from then on, also in the next process", (workgroups: number) => workgroups, 64],
    ["keeps the first where another is hardly quicker", (workgroups: number) => (workgroups > 1000 ? 1000 : 990), 1],
  ])("measures what the device can run, and %s", async (_, msOf, chosen) => {
    const values = [1, 64, 1 << 20];
    const length = 30_000;
    const stored = { directory: path.join(directory, String(chosen)) };
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      await usingBackend(
        async (gpu) => {
          const kernel = twice(values);
          const ns = (size: number) => ({ medianNs: msOf(Math.ceil(length / size)) * 1e6, deviationNs: 0 });
          expect(await gpu.tune(kernel, bindingsOf(length))).toEqual({
            kernel: "twice",
            elements: length,
            candidates: [
              { constants: { workgroup_size: 64 }, ...ns(64) },
              { constants: { workgroup_size: 1 }, ...ns(1) },
            ],
            chosen: { workgroup_size: chosen },
            isQuicker: chosen !== 1,
            clock: "host",
          });
          expect(await sizeOf(gpu, kernel, length)).toBe(chosen);
        },
        { store: stored, device: () => openTimed(msOf) },
      );
    } finally {
      vi.useRealTimers();
    }
    expect((await readdir(stored.directory, { recursive: true })).length).toBeGreaterThan(0);
    // Another object with the same content, as the next process makes it.
    await usingBackend(async (gpu) => expect(await sizeOf(gpu, twice(values), length)).toBe(chosen), { store: stored });
  });

  it.each([
    ["keeps the first where the gain is within the noise", 150, 1],
    ["takes the quickest where the gain is beyond the noise", 250, 64],
  ])("%s", async (_, gainMs, chosen) => {
    /** Submissions of each number of workgroups so far. */
    const submitted = new Map<number, number>();
    // Samples of both candidates spread by 50 ms about their medians, and the noise is four times that.
    const msOf = (workgroups: number) => {
      const count = submitted.get(workgroups) ?? 0;
      submitted.set(workgroups, count + 1);
      return 1000 - (workgroups > 100 ? 0 : gainMs) + 50 * ((count % 3) - 1);
    };
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      await usingBackend(
        async (gpu) => {
          const report = await gpu.tune(twice([1, 64]), bindingsOf(1000));
          expect(report.candidates.map(({ deviationNs }) => deviationNs)).toEqual([50e6, 50e6]);
          expect(report).toMatchObject({ chosen: { workgroup_size: chosen }, isQuicker: chosen === 64 });
        },
        { device: () => openTimed(msOf) },
      );
    } finally {
      vi.useRealTimers();
    }
  });

  it("leaves the caller's own resident arrays as they are, and is refused by name where the device can run nothing", () =>
    usingBackend(async (gpu) => {
      const words = data.words(1000, 1e9);
      const y = await gpu.array(words);
      const report = await gpu.tune(twice([64, 32]), { y, size: output(Uint32Array, 1) });
      expect(report.clock).toBe("device");
      expectSame(await y.read(), words);
      const bindings = bindingsOf(8);
      await expectError(gpu.tune(twice([1 << 20]), bindings), "limit-exceeded", /"twice".*1048576.*at most \d+/);
      await expectError(gpu.tune(null as never, bindings), "invalid-kernel", /defineKernel/);
    }));

  it("is refused for a kernel that has nothing to tune, and leaves nothing when it fails or is aborted", () =>
    usingBackend(async (gpu) => {
      const plain = defineKernel({ label: "plain", wgsl });
      await expectError(gpu.tune(plain, bindingsOf(4)), "invalid-kernel", /"plain" has no `tunable` constants/);
      await expectError(gpu.tune(twice([64, 32]), { y: data.words(4) } as never), "invalid-binding", /"size"/);
      const stop = new AbortController();
      const tuning = gpu.tune(twice([64, 32]), bindingsOf(1000), { signal: stop.signal });
      stop.abort();
      await expectError(tuning, "aborted", /tuning of kernel "twice"/);
    }));
});
