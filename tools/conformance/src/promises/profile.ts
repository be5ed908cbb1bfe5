import { defineKernel, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, runFieldAdd, sum } from "@kiln-gpu/kernels";
import { expectError, expectSame, RandomData, spin, spinBindings, WatchedDevices } from "@kiln-gpu/test-support";
import { describe, expect, it, vi } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

const noTime = {
  initMs: 0,
  pipelineMs: 0,
  descriptorsMs: 0,
  uploadMs: 0,
  recordingMs: 0,
  computeMs: 0,
  downloadMs: 0,
  totalMs: 0,
};

export function describeProfile(suite: Suite): void {
  describe("a profiled run", () => {
    const backend = useBackend(suite);
    const data = new RandomData(10);
    const [a, b] = [data.floats(5000), data.floats(5000)];
    const bindings = { a, b, c: output(Float32Array, 5000) };

    it.runIf(suite.capabilities.adoptsDevice)("reports where its time went, with right results", async () => {
      const devices = new WatchedDevices();
      const few = { a: a.subarray(0, 500), b: b.subarray(0, 500), c: output(Float32Array, 500) };
      vi.useFakeTimers({ toFake: ["performance"] });
      try {
        await using own = await suite.open({ device: devices.device });
        for (let i = 0; i < 3; i += 1) {
          // By this clock the device works for 70 ms and everything else takes no time.
          const submitted = devices.nextSubmission().then(() => vi.advanceTimersByTime(70));
          const { c, profile } = await own.run(fieldAdd, few, { profile: true });
          await submitted;
          expectSame(c, fieldAddReference(few.a, few.b));
          const { gpuTimeNs: _, ...times } = profile;
          expect(times).toEqual({ ...noTime, computeMs: 70, totalMs: 70 });
        }
      } finally {
        vi.useRealTimers();
      }
    });

    it("reports the device's own time if the device has timestamps", async () => {
      const { profile } = await backend().run(spin, spinBindings, { profile: true });
      const hasTimer = backend().device.features.includes("timestamp-query");
      expect(typeof profile.gpuTimeNs).toBe(hasTimer ? "number" : "undefined");
      if (!hasTimer) return;
      // No machine finishes this kernel within a millisecond, and browsers round their clocks by less.
      expect(profile.gpuTimeNs).toBeGreaterThan(1e6);
      expect(profile.gpuTimeNs).toBeLessThan(profile.computeMs * 1e6 + 1e6);
    });

    it("is right among others, with several passes and with none", async () => {
      const values = new Float32Array(data.words(3000, 50));
      const runs = await Promise.all([
        runFieldAdd(backend(), a, b),
        backend().run(sum, { values, sum: output(Float32Array, 1) }, { profile: true }),
        backend().run(fieldAdd, bindings, { profile: true }),
        backend().run(fieldAdd, { a, b, c: output(Float32Array, 0) }, { profile: true }),
      ]);
      expectSame(runs[0], fieldAddReference(a, b));
      expect(runs[1].sum[0]).toBe(values.reduce((total, value) => total + value));
      expectSame(runs[2].c, fieldAddReference(a, b));
      expectSame(runs[3].c, new Float32Array(0));
      for (const { profile } of runs.slice(1) as (typeof runs)[1][]) {
        expect(Object.keys(profile).filter((name) => !["gpuTimeNs", "queuedMs"].includes(name))).toEqual(
          Object.keys(noTime),
        );
      }
    });

    it("has a profile only if requested", async () => {
      expect(Object.keys(await backend().run(fieldAdd, bindings))).toEqual(["c"]);
      expect(Object.keys(await backend().run(fieldAdd, bindings, { profile: false }))).toEqual(["c"]);
    });

    it("with a result named profile is refused; an unprofiled one runs", async () => {
      const kernel = defineKernel({
        label: "named",
        wgsl: `@group(0) @binding(0) var<storage, read_write> profile: array<u32>;
          @compute @workgroup_size(1) fn main() { profile[0] = 5; }`,
      });
      const named = { profile: output(Uint32Array, 1) };
      await expectError(backend().run(kernel, named, { profile: true }), "invalid-binding", /"named".*"profile"/);
      expect([...(await backend().run(kernel, named)).profile]).toEqual([5]);
    });
  });
}
