import type { BackendStats, ComputeBackend } from "@kiln-gpu/core";
import {
  exclusiveScanReference,
  fieldAddReference,
  runExclusiveScan,
  runFieldAdd,
  runSaxpy,
  runSum,
  saxpyReference,
  sumReference,
} from "@kiln-gpu/kernels";
import { expectError, expectSame, isLongRun, RandomData, software } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { type OpenOptions, type Suite, useBackend } from "../support/suite.js";

/** Counters that a warm run must not change. */
function kept({ devices, pipelines, bindGroups, buffers }: BackendStats) {
  const { bytes, highWaterBytes, made, live } = buffers;
  return {
    devices: devices.made,
    pipelines: [pipelines.made, pipelines.live, pipelines.evicted],
    bindGroups: [bindGroups.made, bindGroups.live, bindGroups.evicted],
    buffers: { bytes, highWaterBytes, made, live },
  };
}

const smallest: readonly (readonly [string, OpenOptions])[] = [
  ["one submission at a time", { maxSubmissions: 1 }],
  ["one bind group", { maxDescriptorSets: 1 }],
  ["one descriptor", { maxDescriptors: 1 }],
  ["one pipeline", { maxPipelines: 1 }],
  ["64 KiB", { byteBudget: 65_536 }],
  ["all of these", { maxSubmissions: 1, maxDescriptorSets: 1, maxDescriptors: 1, maxPipelines: 1, byteBudget: 65_536 }],
];

export function describeKeptResources(suite: Suite): void {
  const data = new RandomData(11);
  const [a, b] = [data.floats(1000), data.floats(1000)];
  const words = data.words(3000);
  const whole = [new Float32Array(data.words(1500, 90)), new Float32Array(data.words(1500, 90))] as const;

  const each = [
    async (gpu: ComputeBackend) => expectSame(await runFieldAdd(gpu, a, b), fieldAddReference(a, b)),
    async (gpu: ComputeBackend) =>
      expectSame(await runSaxpy(gpu, 3, ...whole, { from: "spirv" }), saxpyReference(3, ...whole)),
    async (gpu: ComputeBackend) => expectSame(await runExclusiveScan(gpu, words), exclusiveScanReference(words)),
    async (gpu: ComputeBackend) => expect(await runSum(gpu, whole[0])).toBe(sumReference(whole[0])),
  ];

  describe("a warm backend", () => {
    // On a slow machine nothing may count as idle for too long.
    const backend = useBackend(suite, { maxIdleMs: 3_600_000 });

    it("creates nothing for runs that it has seen", async () => {
      const round = async () => {
        for (const run of each) await run(backend());
        await Promise.all(Array.from({ length: 16 }, () => each[0]!(backend())));
      };
      for (let i = 0; i < 10; i += 1) await round();
      const before = kept(backend().stats());
      for (let i = 0; i < 20; i += 1) await round();
      expect(kept(backend().stats())).toEqual(before);
      expect(backend().stats().pipelines.reused).toBeGreaterThan(20);
    });

    it("keeps the same memory over thousands of runs", async () => {
      for (let i = 0; i < 20; i += 1) await each[0]!(backend());
      const before = kept(backend().stats());
      for (let i = 0; i < (isLongRun ? 10_000 : 2000); i += 1) await runFieldAdd(backend(), a, b);
      expect(kept(backend().stats())).toEqual(before);
    });

    it("compiles no pipeline twice, for simultaneous runs or after prepare", async () => {
      const gpu = await suite.open(software);
      await Promise.all(Array.from({ length: 20 }, () => each[0]!(gpu)));
      expect(gpu.stats().pipelines.made).toBe(1);
      await gpu.dispose();
    });
  });

  describe.each(smallest)("a backend bounded to %s", (_, bounds) => {
    const backend = useBackend(suite, bounds);

    it("finishes any work correctly", async () => {
      for (const run of each) await run(backend());
      await Promise.all(Array.from({ length: 120 }, (_, i) => each[i % each.length]!(backend())));
      const { pipelines, bindGroups, buffers } = backend().stats();
      expect(pipelines.live).toBeLessThanOrEqual(bounds.maxPipelines ?? 256);
      expect(bindGroups.live).toBeLessThanOrEqual(bounds.maxDescriptorSets ?? 500);
      expect(buffers.highWaterBytes).toBeLessThanOrEqual(bounds.byteBudget ?? 2 ** 31);
    });
  });

  describe("a backend with too little", () => {
    const backend = useBackend(suite, { byteBudget: 65_536 });

    it("memory refuses a run that can never fit, and runs the next", async () => {
      const large = data.floats(20_000);
      const runs = [runFieldAdd(backend(), large, large), runFieldAdd(backend(), a, b)] as const;
      await expectError(runs[0], "limit-exceeded", /\d+ bytes.*65536/);
      expectSame(await runs[1], fieldAddReference(a, b));
    });
  });

  it.each([
    { byteBudget: 0 },
    { byteBudget: Number.NaN },
    { maxSubmissions: 1.5 },
    { maxDescriptorSets: 0 },
    { maxDescriptors: -3 },
    { maxPipelines: Number.POSITIVE_INFINITY },
  ])("opening with %o is refused", async (bounds) => {
    const [name, value] = Object.entries(bounds)[0]!;
    await expectError(suite.open({ ...software, ...bounds }), "invalid-option", name, String(value));
  });
}
