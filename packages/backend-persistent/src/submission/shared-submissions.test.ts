import { lease, output, type RunOptions } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import {
  combine,
  combined,
  eventually,
  expectError,
  expectSame,
  nextSubmission,
  RandomData,
  step,
  stepped,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import type { PersistentComputeBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(83);

/** Adds `length` random elements, and checks the sums. */
async function add(gpu: PersistentComputeBackend, length: number, options: RunOptions = {}): Promise<object> {
  const [a, b] = [data.floats(length), data.floats(length)];
  const results = await gpu.run(fieldAdd, { a, b, c: output(Float32Array, length) }, options);
  expectSame(results.c, fieldAddReference(a, b));
  return results;
}

/** How many submissions `work` takes. */
async function submissionsOf(gpu: PersistentComputeBackend, work: () => Promise<unknown>[]): Promise<number> {
  await gpu.prepare(fieldAdd);
  await gpu.prepare(combine);
  const { submissions } = gpu.stats();
  await Promise.all(work());
  return gpu.stats().submissions - submissions;
}

describe("the runs of one tick", () => {
  it("share a submission up to 256 of them", () =>
    usingBackend(async (gpu) => {
      const runs = (count: number) => () => Array.from({ length: count }, () => add(gpu, 4));
      expect(await submissionsOf(gpu, runs(256))).toBe(1);
      expect(await submissionsOf(gpu, runs(257))).toBe(2);
    }));

  it("share a submission up to an eighth of the byte budget", () =>
    usingBackend(
      async (gpu) => {
        // Each binds three arrays of 10 KiB; the bound is 128 KiB.
        const runs = (count: number) => () => Array.from({ length: count }, () => add(gpu, 2560));
        expect(await submissionsOf(gpu, runs(4))).toBe(1);
        expect(await submissionsOf(gpu, runs(5))).toBe(2);
      },
      { byteBudget: 2 ** 20 },
    ));

  it("share a submission whatever the resident arrays are that they read", () =>
    usingBackend(
      async (gpu) => {
        const words = data.words(2 ** 16);
        const x = await gpu.array(words);
        const runs = () =>
          [1, 2].map(async () => {
            const { z } = await gpu.run(combine, { x, y: x, z: output(Uint32Array, 10) });
            expectSame(z, combined(words, words).subarray(0, 10));
          });
        expect(await submissionsOf(gpu, runs)).toBe(1);
        x.dispose();
      },
      { byteBudget: 2 ** 20 },
    ));

  it("have a submission of their own where they are profiled, timed, leased, or bind staged memory", () =>
    usingBackend(async (gpu) => {
      const alone = {
        profiled: async () => expect(await add(gpu, 100, { profile: true })).toHaveProperty("profile"),
        timed: () => add(gpu, 100, { timeoutMs: 100_000 }),
        leased: async () => {
          const [a, b] = [data.floats(100), data.floats(100)];
          const { c } = await gpu.run(fieldAdd, { a, b, c: lease(Float32Array, 100) });
          expectSame(c.data, fieldAddReference(a, b));
          c.release();
        },
      };
      for (const [name, run] of Object.entries(alone)) {
        expect(await submissionsOf(gpu, () => [add(gpu, 100), run(), add(gpu, 100)]), name).toBe(3);
      }
      const [a, b] = [data.floats(100), data.floats(100)];
      const staged = await gpu.stage(Float32Array, 100);
      staged.data.set(a);
      const { submissions } = gpu.stats();
      const run = gpu.run(fieldAdd, { a: staged, b, c: output(Float32Array, 100) });
      await Promise.all([run, add(gpu, 100), add(gpu, 100)]);
      expectSame((await run).c, fieldAddReference(a, b));
      expect(gpu.stats().submissions - submissions).toBe(2);
    }));

  it("are not submitted once all their callers have left", () =>
    withOwnDevice((device) =>
      usingBackend(
        async (gpu) => {
          // With memory at hand for two runs, nothing else looks at their callers.
          for (let i = 0; i < 2; i += 1) await Promise.all([add(gpu, 100), add(gpu, 100)]);
          const submission = nextSubmission(device);
          const first = add(gpu, 100);
          await submission;
          const { submissions } = gpu.stats();
          const stop = new AbortController();
          const waiting = [1, 2].map(() => add(gpu, 100, { signal: stop.signal }));
          const refused = waiting.map((run) => expectError(run, "aborted"));
          expect(gpu.stats().queue.waiting).toBe(2);
          stop.abort();
          await Promise.all([first, ...refused]);
          await eventually(() => expect(gpu.stats().queue).toEqual({ waiting: 0, inFlight: 0 }));
          expect(gpu.stats().submissions).toBe(submissions);
        },
        { device, maxSubmissions: 1 },
      ),
    ));

  describe("that wait for memory", () => {
    /** Runs `work` while all memory is staged; `release` gives it back. */
    const withoutMemory = (work: (gpu: PersistentComputeBackend, release: () => void) => Promise<void>) =>
      usingBackend(
        async (gpu) => {
          await Promise.all([add(gpu, 1000), add(gpu, 1000)]);
          const held = await gpu.stage(Float32Array, 2 ** 16);
          await work(gpu, () => held.release());
        },
        { byteBudget: 2 ** 18, memoryWaitMs: 3_600_000 },
      );

    it("are not submitted once all their callers have left", () =>
      withoutMemory(async (gpu, release) => {
        const stops = [new AbortController(), new AbortController()];
        const runs = Promise.all(stops.map(({ signal }) => expectError(add(gpu, 1000, { signal }), "aborted")));
        await eventually(() => expect(gpu.stats().buffers.waiting).toBe(1));
        const { submissions } = gpu.stats();
        for (const stop of stops) stop.abort();
        await runs;
        await eventually(() => expect(gpu.stats()).toMatchObject({ buffers: { waiting: 0 }, queue: { inFlight: 0 } }));
        release();
        await add(gpu, 1000);
        expect(gpu.stats().submissions - submissions).toBe(1);
      }));

    it("are submitted together while some of their callers wait", () =>
      withoutMemory(async (gpu, release) => {
        const stop = new AbortController();
        const left = expectError(add(gpu, 400, { signal: stop.signal }), "aborted");
        const waiting = [1, 2].map(() => add(gpu, 400, { signal: new AbortController().signal }));
        await eventually(() => expect(gpu.stats().buffers.waiting).toBe(1));
        const { submissions } = gpu.stats();
        stop.abort();
        await left;
        expect(gpu.stats().buffers.waiting).toBe(1);
        release();
        await Promise.all(waiting);
        expect(gpu.stats().submissions - submissions).toBe(1);
      }));

    it("do not write the arrays of a caller who has left", () =>
      usingBackend(
        async (gpu) => {
          const words = data.words(64);
          const y = await gpu.array(words);
          await gpu.prepare(step);
          const held = await gpu.stage(Float32Array, 2 ** 16 - 2 ** 13);
          const stop = new AbortController();
          const first = gpu.run(step, { factor: 3, y });
          const left = expectError(gpu.run(step, { factor: 5, y }, { signal: stop.signal }), "aborted");
          await eventually(() => expect(gpu.stats().buffers.waiting).toBe(1));
          stop.abort();
          await left;
          held.release();
          await first;
          expectSame(await y.read(), stepped(words, 3));
          y.dispose();
        },
        { byteBudget: 2 ** 18 - 2 ** 15 + 2 ** 8 },
      ));
  });

  it("are not submitted where the only caller leaves while the device's timer is made", () =>
    usingBackend(async (gpu) => {
      await add(gpu, 100);
      const { submissions } = gpu.stats();
      const stop = new AbortController();
      const run = expectError(add(gpu, 100, { profile: true, signal: stop.signal }), "aborted");
      for (let microtask = 0; microtask < 10; microtask += 1) await undefined;
      expect(gpu.stats().queue).toEqual({ waiting: 0, inFlight: 1 });
      stop.abort();
      await run;
      await eventually(() => expect(gpu.stats().queue.inFlight).toBe(0));
      expect(gpu.stats().submissions).toBe(submissions);
    }));
});
