import { inout, output } from "@kiln-gpu/core";
import {
  combine,
  combined,
  expectError,
  expectNothingLive,
  expectSame,
  RandomData,
  software,
  step,
  stepped,
} from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { openPersistentBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(48);

describe("a sequence", () => {
  it("is replayed many times at once, beside runs, reads and other sequences, in the order of the calls", () =>
    usingBackend(async (gpu) => {
      let expected = data.words(128);
      const y = await gpu.array(expected);
      const twice = await gpu.record({ factor: 1 }, (run, { factor }) => {
        run(step, { factor, y });
        run(step, { factor, y });
      });
      const host = await gpu.record({ x: expected, z: output(Uint32Array, 128) }, (run, { x, z }) =>
        run(combine, { x, y: x, z }),
      );
      const checks: Promise<unknown>[] = [];
      for (let factor = 2; factor < 60; factor += 1) {
        checks.push(twice.replay({ factor }));
        expected = stepped(stepped(expected, factor), factor);
        if (factor % 3 === 0) {
          checks.push(gpu.run(step, { factor, y }));
          expected = stepped(expected, factor);
        }
        if (factor % 5 === 0) {
          const now = expected;
          checks.push(y.read().then((given) => expectSame(given, now)));
        }
        const x = data.words(128);
        checks.push(host.replay({ x }).then(({ z }) => expectSame(z, combined(x, x))));
      }
      await Promise.all(checks);
      expectSame(await y.read(), expected);
    }));

  it("makes nothing in a warm replay", () =>
    usingBackend(async (gpu) => {
      const [x, y] = [await gpu.array(data.words(200)), await gpu.array(data.words(200))];
      const sequence = await gpu.record({ factor: 2, out: output(Uint32Array, 200) }, (run, { factor, out }) => {
        for (let i = 0; i < 100; i += 1) run(combine, i % 2 ? { x, y: x, z: y } : { x: y, y, z: x });
        run(step, { factor, y });
        run(combine, { x, y, z: out });
      });
      for (let i = 0; i < 5; i += 1) await sequence.replay({ factor: i });
      const before = gpu.stats();
      for (let i = 0; i < 50; i += 1) await sequence.replay({ factor: i });
      const after = gpu.stats();
      for (const kind of ["buffers", "bindGroups", "pipelines"] as const)
        expect(after[kind].made).toBe(before[kind].made);
      expect(after.submissions - before.submissions).toBe(50);
      expect(after.runs.completed - before.runs.completed).toBe(50);
    }));

  it("has its constants until its last replay has ended, also when its backend is disposed", async () => {
    const gpu = await openPersistentBackend({ ...software, maxSubmissions: 1 });
    const [x, zeros] = [data.words(2048), new Uint32Array(2048)];
    const z = output(Uint32Array, 2048);
    const sequence = await gpu.record({ z }, (run, { z }) => run(combine, { x, y: zeros, z }));
    await sequence.replay();
    const other = data.words(2048);
    const first = gpu.run(combine, {
      x: other.subarray(0, 64),
      y: other.subarray(64, 128),
      z: output(Uint32Array, 64),
    });
    for (let i = 0; i < 4; i += 1) await null;
    const second = gpu.run(combine, { x: other, y: other, z });
    const replay = sequence.replay();
    await Promise.all([gpu.dispose(), first]);
    expectSame((await second).z, combined(other, other));
    expectSame((await replay).z, combined(x, zeros));
    expectNothingLive(gpu);
  });

  it("leaves nothing when its recording is aborted", () =>
    usingBackend(async (gpu) => {
      const stop = new AbortController();
      const y = data.words(100_000);
      const { signal } = stop;
      const recording = gpu.record({ y: inout(y) }, (run, { y }) => run(step, { factor: 2, y }), { signal });
      stop.abort();
      await expectError(recording, "aborted", /recording of sequence/);
      // Its memory is there for the next, which would have to be made otherwise.
      await (await gpu.record({ y: inout(y) }, (run, { y }) => run(step, { factor: 2, y }))).replay();
    }));

  it("whose replay fails rejects what was to work on the arrays that it would have written", () =>
    usingBackend(async (gpu) => {
      const words = data.words(64);
      const y = await gpu.array(words);
      const sequence = await gpu.record({ factor: 3 }, (run, { factor }) => run(step, { factor, y }));
      const stop = new AbortController();
      const replay = expectError(sequence.replay({}, { signal: stop.signal }), "aborted");
      const read = expectError(y.read(), "dependency-failed", /read.*aborted/);
      stop.abort();
      await Promise.all([replay, read]);
      expectSame(await y.read(), words);
      sequence.dispose();
      y.dispose();
    }));

  it("tells where the time of a replay went", () =>
    usingBackend(async (gpu) => {
      const sequence = await gpu.record({ y: inout(data.words(64)) }, (run, { y }) => run(step, { factor: 2, y }));
      const { profile, y } = await sequence.replay({}, { profile: true });
      expect(y.length).toBe(64);
      expect(profile.totalMs).toBeGreaterThan(0);
      expect(profile.computeMs).toBeGreaterThan(0);
    }));

  it("frees its memory when it is disposed, once its replays have ended; and goes with its backend", () =>
    usingBackend(async (gpu) => {
      const y = data.words(50_000);
      const make = () => gpu.record({ y: inout(y) }, (run, { y }) => run(step, { factor: 2, y }));
      const sequence = await make();
      const replays = [sequence.replay(), sequence.replay()];
      sequence.dispose();
      sequence.dispose();
      for (const replay of replays) expectSame((await replay).y, stepped(y, 2));
      await expectError(sequence.replay(), "disposed", /"sequence".*record it again/);
      const { made } = gpu.stats().buffers;
      for (let i = 0; i < 5; i += 1) (await make()).dispose();
      expect(gpu.stats().buffers.made).toBe(made);
      await make();
    }));
});
