import type { DeviceChange, SubmissionSpan, TraceEvent, WorkSpan } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { type ChromeEvent, chromeTrace } from "./chrome-trace.js";

const submission: SubmissionSpan = {
  kind: "submission",
  backend: "persistent",
  id: 7,
  work: [1, 2],
  startUs: 20,
  endUs: 90,
  phases: [
    { phase: "upload", startUs: 20, endUs: 30 },
    { phase: "compute", startUs: 30, endUs: 90 },
  ],
  gpuTimeNs: 1234,
};

const run = (id: number, other: Partial<WorkSpan> = {}): WorkSpan => ({
  kind: "run",
  backend: "persistent",
  id,
  label: "saxpy",
  startUs: 10,
  endUs: 100,
  phases: [{ phase: "pipeline", startUs: 10, endUs: 15 }],
  ...other,
});

const lost: DeviceChange = {
  kind: "device",
  backend: "persistent",
  change: "lost",
  atUs: 200,
  device: "a GPU",
  error: { code: "device-lost", message: "It is gone." },
};

function eventsOf(events: readonly TraceEvent[]): ChromeEvent[] {
  const trace = chromeTrace();
  for (const event of events) trace.record(event);
  return [...trace.toJSON().traceEvents];
}

test("writes a submission, each of its runs on its own track, and the spans within them", () => {
  const events = eventsOf([submission, run(1, { submission }), run(2, { submission })]);
  const named = events.filter(({ ph }) => ph === "M").map(({ name, tid, args }) => [name, tid, args.name]);
  expect(named).toEqual([
    ["process_name", 0, "Kiln, persistent"],
    ["thread_name", 1, "submissions 1"],
    ["thread_name", 2, "runs 1"],
    ["thread_name", 3, "runs 2"],
  ]);
  const spans = events.filter(({ ph }) => ph === "X").map(({ name, cat, ts, dur, tid }) => [tid, cat, name, ts, dur]);
  const ofRun = (tid: number) => [
    [tid, "run", "saxpy", 10, 90],
    [tid, "phase", "pipeline", 10, 5],
    [tid, "submission", "submission 7", 20, 70],
  ];
  expect(spans).toEqual([
    [1, "submission", "submission 7", 20, 70],
    [1, "phase", "upload", 20, 10],
    [1, "phase", "compute", 30, 60],
    ...ofRun(2),
    ...ofRun(3),
  ]);
  const first = (category: string) => events.find(({ cat }) => cat === category)!.args;
  expect(first("submission")).toEqual({ id: 7, work: [1, 2], gpuTimeNs: 1234 });
  expect(first("run")).toEqual({ id: 1, submission: 7 });
});

test("gives each backend a process, and marks failures and changes of the device", () => {
  const events = eventsOf([
    run(1, { error: { code: "timeout", message: "Too long." } }),
    lost,
    { ...run(1), backend: "one-shot", kind: "task", label: "The opening of a device" },
  ]);
  expect(events.find(({ cat }) => cat === "run")).toMatchObject({
    pid: 1,
    args: { error: "timeout", message: "Too long." },
  });
  expect(events.find(({ cat }) => cat === "task")).toMatchObject({ pid: 2, name: "The opening of a device" });
  expect(events.find(({ ph }) => ph === "i")).toEqual({
    name: "device lost",
    cat: "device",
    ph: "i",
    ts: 200,
    pid: 1,
    tid: 0,
    s: "p",
    args: { device: "a GPU", error: "device-lost", message: "It is gone." },
  });
});

test("keeps the latest events and counts those that it dropped", () => {
  const trace = chromeTrace({ maxEvents: 3 });
  for (let id = 1; id <= 5; id += 1) trace.record(run(id, { startUs: id * 100, endUs: id * 100 + 50, phases: [] }));
  const ids = () => trace.toJSON().traceEvents.flatMap(({ cat, args }) => (cat === "run" ? [args.id] : []));
  expect(ids()).toEqual([3, 4, 5]);
  expect(trace.dropped).toBe(2);
  expect(JSON.parse(JSON.stringify(trace))).toEqual({ ...trace.toJSON(), otherData: { dropped: 2 } });
  trace.clear();
  expect(ids()).toEqual([]);
  expect(trace.dropped).toBe(0);
});

test("is enabled from the start, and keeps 10,000 events by default", () => {
  const trace = chromeTrace();
  expect(trace.isEnabled).toBe(true);
  for (let id = 1; id <= 10_001; id += 1) trace.record(lost);
  expect(trace.dropped).toBe(1);
  expect(trace.toJSON()).toMatchObject({ displayTimeUnit: "ms", otherData: { dropped: 1 } });
});

test("writes a device time of 0", () => {
  const [event] = eventsOf([{ ...submission, gpuTimeNs: 0 }]).filter(({ cat }) => cat === "submission");
  expect(event!.args.gpuTimeNs).toBe(0);
});

test("refuses a bound that is not a whole number above 0", () => {
  for (const [maxEvents, shown] of [
    [0, "0"],
    [1.5, "1.5"],
    [Number.NaN, "NaN"],
    ["5" as never, '"5"'],
  ] as const) {
    expect(() => chromeTrace({ maxEvents })).toThrow(
      `chromeTrace: "maxEvents" must be a whole number, 1 or more; got ${shown}.`,
    );
  }
});
