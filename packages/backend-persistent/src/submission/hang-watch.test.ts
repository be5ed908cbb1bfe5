import { ComputeError } from "@kiln-gpu/core";
import { Caller } from "@kiln-gpu/core/backend";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Holders } from "../memory/holders.js";
import { type HangLimits, HangWatch } from "./hang-watch.js";
import { planOf } from "./plans.test-support.js";
import { kernelRun } from "./ready-run.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

const onHang = vi.fn();
beforeEach(() => void onHang.mockReset());

const holders = new Holders();
const watchWith = (limits: Partial<HangLimits> = {}) =>
  new HangWatch({ graceMs: 100, deadlineMs: Number.POSITIVE_INFINITY, ...limits }, onHang);

/** The runs of a submission for `callers`. */
const runsFor = (...callers: Caller[]) =>
  callers.map((caller) => {
    const parts = { plan: planOf([]), pipelines: [], staged: undefined, arrayUse: undefined, clock: undefined };
    return kernelRun(holders, { ...parts, caller }, true);
  });
const leave = (caller: Caller) => caller.leave(new ComputeError("aborted", "The caller has left."));

/** Expects that the watch tells of `runs` after exactly `ms`. */
function expectHangAfter(ms: number, runs: unknown, limitMs: unknown): void {
  vi.advanceTimersByTime(ms - 1);
  expect(onHang).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onHang.mock.calls).toEqual([[runs, limitMs]]);
}

test("the grace begins when the last caller leaves", () => {
  const watch = watchWith();
  const callers = [new Caller(true), new Caller(true)];
  const runs = runsFor(...callers);
  watch.add(runs);
  vi.advanceTimersByTime(1000);
  leave(callers[0]!);
  vi.advanceTimersByTime(1000);
  expect(onHang).not.toHaveBeenCalled();
  leave(callers[1]!);
  expectHangAfter(100, runs, 100);
});

test("there is no grace while a caller waits that cannot leave", () => {
  const watch = watchWith();
  const left = new Caller(true);
  watch.add(runsFor(left, new Caller()));
  leave(left);
  vi.advanceTimersByTime(10_000);
  expect(onHang).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("a caller who left before the submission does not wait for it", () => {
  const watch = watchWith();
  const caller = new Caller(true);
  leave(caller);
  const runs = runsFor(caller);
  watch.add(runs);
  expectHangAfter(100, runs, 100);
});

test("the deadline holds whether or not a caller waits", () => {
  const runs = runsFor(new Caller());
  watchWith({ deadlineMs: 5000 }).add(runs);
  expectHangAfter(5000, runs, 5000);
});

test("the grace does not outlast the deadline", () => {
  const caller = new Caller(true);
  const runs = runsFor(caller);
  watchWith({ deadlineMs: 150 }).add(runs);
  vi.advanceTimersByTime(120);
  leave(caller);
  expectHangAfter(30, runs, expect.any(Number));
});

test("the deadline of a submission begins when the one before it has ended", () => {
  const watch = watchWith({ deadlineMs: 1000 });
  const [first, second] = [runsFor(new Caller()), runsFor(new Caller())];
  vi.advanceTimersByTime(10);
  watch.add(first);
  watch.add(second);
  vi.advanceTimersByTime(900);
  watch.delete(first);
  expectHangAfter(1000, second, 1000);
});

test("the grace of a submission begins when the one before it has ended", () => {
  const watch = watchWith();
  const caller = new Caller(true);
  const [first, second] = [runsFor(new Caller()), runsFor(caller)];
  watch.add(first);
  watch.add(second);
  leave(caller);
  vi.advanceTimersByTime(1000);
  expect(onHang).not.toHaveBeenCalled();
  watch.delete(first);
  expectHangAfter(100, second, 100);
});

test("the grace of a submission is no longer for callers of later ones who leave meanwhile", () => {
  const watch = watchWith();
  const callers = [new Caller(true), new Caller(true)];
  const [first, second] = callers.map((caller) => runsFor(caller));
  watch.add(first!);
  watch.add(second!);
  leave(callers[0]!);
  vi.advanceTimersByTime(60);
  leave(callers[1]!);
  expectHangAfter(40, first, 100);
});

test("a submission that has ended is not told of, whatever the order", () => {
  const watch = watchWith({ deadlineMs: 1000 });
  const [first, second] = [runsFor(new Caller()), runsFor(new Caller())];
  watch.add(first);
  watch.add(second);
  watch.delete(second);
  watch.delete(first);
  expect(watch.isWatching).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test("a submission that was told of is not watched any more, and the next one is", () => {
  const watch = watchWith({ deadlineMs: 1000 });
  const [first, second] = [runsFor(new Caller()), runsFor(new Caller())];
  watch.add(first);
  watch.add(second);
  expectHangAfter(1000, first, 1000);
  onHang.mockReset();
  expectHangAfter(1000, second, 1000);
  expect(watch.isWatching).toBe(false);
});

test("nothing is told of once the watch has ended", () => {
  const watch = watchWith({ deadlineMs: 1000 });
  watch.add(runsFor(new Caller()));
  watch.end();
  expect(vi.getTimerCount()).toBe(0);
});

test("a deadline longer than any timer is none that passes at once", () => {
  watchWith({ deadlineMs: 2 ** 31 }).add(runsFor(new Caller()));
  vi.advanceTimersByTime(1000);
  expect(onHang).not.toHaveBeenCalled();
});
