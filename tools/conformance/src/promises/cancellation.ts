import { fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import {
  expectError,
  expectNothingLive,
  expectSame,
  RandomData,
  spin,
  spinBindings,
  WatchedDevices,
} from "@kiln-gpu/test-support";
import { describe, expect, it, vi } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

export function describeCancellation(suite: Suite): void {
  describe("a signal", () => {
    const backend = useBackend(suite);
    const data = new RandomData(6);
    const [a, b] = [data.floats(500), data.floats(500)];
    const expected = fieldAddReference(a, b);

    it("that is aborted before the run rejects it, with the reason as its cause", async () => {
      const { submissions, runs } = backend().stats();
      const reason = new Error("not wanted any more");
      const signal = AbortSignal.abort(reason);
      const error = await expectError(runFieldAdd(backend(), a, b, { signal }), "aborted", /"field-add"/);
      expect(error.cause).toBe(reason);
      await expectError(backend().prepare(spin, { signal }), "aborted", /"spin"/);
      const after = backend().stats();
      expect(after.submissions).toBe(submissions);
      expect(after.runs.completed).toBe(runs.completed);
    });

    it("that is aborted in the same tick rejects its runs and no others", async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const runs = Array.from({ length: 12 }, (_, i) => runFieldAdd(backend(), a, b, i % 3 === 0 ? { signal } : {}));
      controller.abort("reason");
      await Promise.all(
        runs.map(async (run, i) => {
          if (i % 3 !== 0) return expectSame(await run, expected);
          expect((await expectError(run, "aborted", /"field-add"/)).cause).toBe("reason");
        }),
      );
    });

    it.runIf(suite.capabilities.adoptsDevice)(
      "that is aborted while the GPU works rejects that run and no others",
      async () => {
        const devices = new WatchedDevices();
        await using own = await suite.open({ device: devices.device });
        const controller = new AbortController();
        const submission = devices.nextSubmission();
        const spinning = own.run(spin, spinBindings, { signal: controller.signal });
        await submission;
        const other = runFieldAdd(own, a, b);
        controller.abort();
        const error = await expectError(spinning, "aborted", /"spin"/);
        expect(error.cause).toBe(controller.signal.reason);
        expectSame(await other, expected);
        expectSame(await runFieldAdd(own, a, b), expected);
      },
    );

    it("that is aborted after the run changes nothing and has no listener left", async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const listens = vi.spyOn(signal, "addEventListener");
      const forgets = vi.spyOn(signal, "removeEventListener");
      const c = await runFieldAdd(backend(), a, b, { signal });
      await expectError(backend().run(spin, { ...spinBindings, rounds: -1 }, { signal }), "invalid-binding");
      expect(listens).toHaveBeenCalled();
      expect(listens.mock.calls.map(([type, listener]) => [type, listener])).toEqual(
        forgets.mock.calls.map(([type, listener]) => [type, listener]),
      );
      controller.abort();
      expectSame(c, expected);
      expect(backend().stats().runs.pending).toBe(0);
    });
  });

  describe("a deadline", () => {
    const data = new RandomData(7);
    const [a, b] = [data.floats(500), data.floats(500)];

    it.runIf(suite.capabilities.adoptsDevice)("that passes rejects its run and no others", async () => {
      const devices = new WatchedDevices();
      await using backend = await suite.open({ device: devices.device });
      const submission = devices.nextSubmission();
      await withClock(async (pass) => {
        const late = backend.run(spin, spinBindings, { timeoutMs: 1000 });
        await submission;
        const others = [runFieldAdd(backend, a, b), runFieldAdd(backend, a, b, { timeoutMs: 50_000 })];
        pass(999);
        for (let microtask = 0; microtask < 10; microtask += 1) await undefined;
        expect(backend.stats().runs).toMatchObject({ failed: 0, pending: 3 });
        pass(1);
        await expectError(late, "timeout", /"spin".*within 1000 ms/);
        for (const other of others) expectSame(await other, fieldAddReference(a, b));
      });
    });
  });

  describe("aborted runs", () => {
    it.runIf(suite.capabilities.adoptsDevice)("keep dispose waiting and leave nothing behind", async () => {
      const devices = new WatchedDevices();
      const backend = await suite.open({ device: devices.device });
      const submission = devices.nextSubmission();
      await withClock(async (pass) => {
        const controller = new AbortController();
        const aborted = expectError(backend.run(spin, spinBindings, { signal: controller.signal }), "aborted");
        const late = expectError(backend.run(spin, spinBindings, { timeoutMs: 1000 }), "timeout");
        await submission;
        controller.abort();
        pass(1000);
        await Promise.all([aborted, late]);
      });
      await backend.dispose();
      expectNothingLive(backend);
      expect(backend.stats().runs).toMatchObject({ started: 2, completed: 0, failed: 2 });
    });
  });
}

/** Runs `work` on a fake clock: a deadline passes only when `work` calls `pass`. */
async function withClock(work: (pass: (ms: number) => void) => Promise<void>): Promise<void> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    await work((ms) => void vi.advanceTimersByTime(ms));
  } finally {
    vi.useRealTimers();
  }
}
