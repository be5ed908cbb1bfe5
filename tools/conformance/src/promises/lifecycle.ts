import { lease, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import { expectError, expectNothingLive, expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import type { Suite } from "../support/suite.js";

export function describeLifecycle(suite: Suite): void {
  describe("the life of a backend", () => {
    const data = new RandomData(8);
    const [a, b] = [data.floats(300), data.floats(300)];
    const expected = fieldAddReference(a, b);

    it("begins with its name, its device and counters at zero", async () => {
      const backend = await suite.open(software);
      expect(backend.name).toBe(suite.name);
      expect(backend.device).toMatchObject({ isSoftware: true, name: expect.stringMatching(/swiftshader/i) });
      expect(backend.device.limits.maxComputeWorkgroupsPerDimension).toBeGreaterThanOrEqual(65_535);
      const { runs, submissions, buffers } = backend.stats();
      expect({ runs, submissions }).toEqual({
        runs: { started: 0, completed: 0, failed: 0, pending: 0, retried: 0 },
        submissions: 0,
      });
      expect(buffers).toMatchObject({ live: 0, bytes: 0, highWaterBytes: 0 });
      await backend.dispose();
    });

    it("counts every run once", async () => {
      const backend = await suite.open(software);
      const run = runFieldAdd(backend, a, b);
      expect(backend.stats().runs).toEqual({ started: 1, completed: 0, failed: 0, pending: 1, retried: 0 });
      await run;
      await expectError(backend.run(fieldAdd, { a, b, c: output(Int32Array, 1) as never }), "invalid-binding");
      await backend.prepare(fieldAdd);
      const { runs, submissions, buffers, pipelines } = backend.stats();
      expect(runs).toEqual({ started: 2, completed: 1, failed: 1, pending: 0, retried: 0 });
      if (suite.capabilities.countsResources === false) return await backend.dispose();
      expect(submissions).toBe(1);
      expect(buffers.highWaterBytes).toBeGreaterThanOrEqual(3 * a.byteLength);
      expect(buffers.made).toBeGreaterThan(0);
      expect(pipelines.made).toBeGreaterThan(0);
      await backend.dispose();
      expectNothingLive(backend);
    });

    it("ends after the runs in flight, which resolve", async () => {
      const backend = await suite.open(software);
      // With a device: calls that wait for another one reject when the backend is disposed.
      await runFieldAdd(backend, a, b);
      const order: string[] = [];
      const runs = Array.from({ length: 10 }, () => runFieldAdd(backend, a, b).finally(() => order.push("run")));
      const preparing = backend.prepare(fieldAdd).finally(() => order.push("prepare"));
      const disposing = Promise.all([backend.dispose(), backend.dispose()]).then(() => order.push("dispose"));
      await expectError(runFieldAdd(backend, a, b), "disposed", /disposed.*open another/);
      for (const run of runs) expectSame(await run, expected);
      await preparing;
      await disposing;
      expect(order.at(-1)).toBe("dispose");
      expectNothingLive(backend);
    });

    it("rejects a run that was to resolve with a lease, since dispose ends leases", async () => {
      const backend = await suite.open(software);
      await runFieldAdd(backend, a, b);
      const leasing = backend.run(fieldAdd, { a, b, c: lease(Float32Array, a.length) });
      const copying = runFieldAdd(backend, a, b);
      const disposing = backend.dispose();
      await expectError(leasing, "disposed", new RegExp(`The ${suite.name} backend is disposed`));
      expectSame(await copying, expected);
      await disposing;
      expectNothingLive(backend);
    });

    it("ends once, however often dispose is called", async () => {
      const backend = await suite.open(software);
      await runFieldAdd(backend, a, b);
      await backend.dispose();
      await backend.dispose();
      await backend[Symbol.asyncDispose]();
      await expectError(runFieldAdd(backend, a, b), "disposed", new RegExp(suite.name));
      await expectError(backend.prepare(fieldAdd), "disposed", new RegExp(suite.name));
      // An empty run needs no device, and is still refused.
      await expectError(runFieldAdd(backend, a.subarray(0, 0), b.subarray(0, 0)), "disposed");
      expectNothingLive(backend);
    });

    it("ends with the scope of `await using`", async () => {
      let left: Awaited<ReturnType<Suite["open"]>>;
      {
        await using backend = await suite.open(software);
        left = backend;
        expectSame(await runFieldAdd(backend, a, b), expected);
      }
      await expectError(runFieldAdd(left, a, b), "disposed");
      expectNothingLive(left);
    });

    it("does not affect other backends", async () => {
      const [first, second] = await Promise.all([suite.open(software), suite.open(software)]);
      const results = [runFieldAdd(first, a, b), runFieldAdd(second, b, a)];
      for (const result of results) expectSame(await result, expected);
      await first.dispose();
      expectSame(await runFieldAdd(second, a, b), expected);
      await second.dispose();
    });

    it("may begin and end many times", async () => {
      for (let i = 0; i < 10; i += 1) {
        const backend = await suite.open(software);
        expectSame(await runFieldAdd(backend, a, b), expected);
        await backend.dispose();
        expectNothingLive(backend);
      }
    });
  });
}
