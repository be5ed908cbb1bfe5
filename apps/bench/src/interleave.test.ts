import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Contender, interleave, type Sample, timed } from "./interleave.js";

// Time passes only when a contender advances the clock.
beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** Contenders that record their names when they run, for `ms` each. */
function recorded(names: readonly string[], ms = 0): { contenders: Contender[]; calls: string[] } {
  const calls: string[] = [];
  const contenders = names.map((name) => ({
    name,
    async run(stopwatch: Parameters<Contender["run"]>[0]) {
      calls.push(name);
      stopwatch.start();
      vi.advanceTimersByTime(ms);
      stopwatch.stop();
    },
  }));
  return { contenders, calls };
}

test("after a warm-up contenders run in turn, in blocks of ten timed calls after an untimed one", async () => {
  const { contenders, calls } = recorded(["a", "b"]);
  const timings = await interleave(contenders, { count: 25 });
  expect(timings.map(({ count }) => count)).toEqual([25, 25]);
  const turn = (length: number) => `(a{${length}}b{${length}}|b{${length}}a{${length}})`;
  expect(calls.join("")).toMatch(new RegExp(`^a{1000}b{1000}${turn(11)}${turn(11)}${turn(6)}$`));
});

test("each contender follows each other one in some round", async () => {
  const names = ["a", "b", "c"];
  const { contenders, calls } = recorded(names);
  await interleave(contenders, { count: 4000, warmUpMs: 0 });
  const blocks = calls.join("").replace(/(.)\1*/g, "$1");
  for (const first of names) for (const next of names) if (first !== next) expect(blocks).toContain(first + next);
});

test("slow contenders run less often within their budget, all equally often and at least once", async () => {
  const { contenders, calls } = recorded(["a", "b"], 5);
  const timings = await interleave(contenders, { count: 1000, warmUpMs: 1, budgetMs: 1 });
  expect(timings.map(({ count }) => count)).toEqual([1, 1]);
  expect(calls.join("")).toMatch(/^ab(aabb|bbaa)$/);
});

test("an onlooker is told of each timed call, and of no warm-up", async () => {
  const { contenders } = recorded(["a", "b"], 3);
  const samples: Sample[] = [];
  await interleave(contenders, { count: 2, onlooker: { onSample: (sample) => samples.push(sample) } });
  expect(samples.filter(({ name }) => name === "a")).toEqual([
    { name: "a", ms: 3, done: 1, total: 2 },
    { name: "a", ms: 3, done: 2, total: 2 },
  ]);
  expect(samples).toHaveLength(4);
});

test("no call is timed before the onlooker lets it", async () => {
  const { contenders, calls } = recorded(["a"]);
  const callsBefore: number[] = [];
  const beforeBlock = async () => {
    callsBefore.push(calls.length);
    await Promise.resolve();
    callsBefore.push(calls.length);
  };
  await interleave(contenders, { count: 15, warmUpMs: 0, onlooker: { beforeBlock } });
  // One call of warm-up; a block has one untimed call and up to ten timed ones.
  expect(callsBefore).toEqual([1, 1, 12, 12]);
});

test.each([
  ["in the warm-up", 5],
  ["while calls are timed", 1005],
])("a signal ends the timing %s, before the next call", async (_, last) => {
  const { contenders, calls } = recorded(["a"]);
  const controller = new AbortController();
  const counting: Contender = {
    name: "a",
    async run(stopwatch) {
      await contenders[0]!.run(stopwatch);
      if (calls.length === last) controller.abort(new Error("enough"));
    },
  };
  const timing = interleave([counting], { count: 25, onlooker: { signal: controller.signal } });
  await expect(timing).rejects.toThrow("enough");
  expect(calls).toHaveLength(last);
});

test("a contender that fails its check fails the comparison", async () => {
  const wrong: Contender = { name: "wrong", run: () => Promise.reject(new Error("It returns 0 at [2].")) };
  await expect(interleave([wrong], { count: 1 })).rejects.toThrow("It returns 0 at [2].");
});

test("the time of a call is that of another clock, if it was measured by one", async () => {
  const contender: Contender = { name: "by another clock", run: async (stopwatch) => stopwatch.add(12) };
  expect(await timed(contender)).toBe(12);
});

test("the time of a call is the sum of the stopwatch's parts", async () => {
  const contender: Contender = {
    name: "two pieces",
    async run(stopwatch) {
      for (const ms of [2, 3]) {
        stopwatch.start();
        vi.advanceTimersByTime(ms);
        stopwatch.stop();
        vi.advanceTimersByTime(20);
      }
    },
  };
  expect(await timed(contender)).toBe(5);
});
