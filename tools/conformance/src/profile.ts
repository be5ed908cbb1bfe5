import { defineKernel, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, runFieldAdd, sum } from "@kiln-gpu/kernels";
import { describe, expect, it } from "vitest";
import { expectError, expectSame } from "./expectations.js";
import { RandomData } from "./random-data.js";
import { type Suite, useBackend } from "./suite.js";

const phases = ["initMs", "pipelineMs", "descriptorsMs", "uploadMs", "recordingMs", "computeMs", "downloadMs"] as const;

export function describeProfile(suite: Suite): void {
  describe("a profiled run", () => {
    const backend = useBackend(suite);
    const data = new RandomData(10);
    const [a, b] = [data.floats(5000), data.floats(5000)];
    const bindings = { a, b, c: output(Float32Array, 5000) };

    it("tells where its time went, beside right results", async () => {
      for (let i = 0; i < 3; i += 1) {
        const { c, profile } = await backend().run(fieldAdd, bindings, { profile: true });
        expectSame(c, fieldAddReference(a, b));
        for (const phase of phases) expect(profile[phase], phase).toBeGreaterThanOrEqual(0);
        const spent = phases.reduce((total, phase) => total + profile[phase], 0);
        // Sums of doubles may differ in the last digits.
        expect(spent).toBeLessThanOrEqual(profile.totalMs + 1e-6);
        expect(profile.computeMs).toBeGreaterThan(0);
        const hasTimer = backend().device.features.includes("timestamp-query");
        expect(typeof profile.gpuTimeNs).toBe(hasTimer ? "number" : "undefined");
        if (hasTimer) expect(profile.gpuTimeNs).toBeGreaterThan(0);
      }
    });

    it("is right among others, several passes long and empty", async () => {
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
      for (const { profile } of runs.slice(1) as (typeof runs)[1][]) expect(profile.totalMs).toBeGreaterThanOrEqual(0);
    });

    it("has a profile only where one is asked for", async () => {
      expect(Object.keys(await backend().run(fieldAdd, bindings))).toEqual(["c"]);
      expect(Object.keys(await backend().run(fieldAdd, bindings, { profile: false }))).toEqual(["c"]);
    });

    it("with a result named profile is refused; without a profile it is right", async () => {
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
