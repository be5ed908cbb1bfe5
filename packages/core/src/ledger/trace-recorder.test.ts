import { expect, test, vi } from "vitest";
import type { SubmissionSpan, TraceEvent, Tracer, WorkSpan } from "../contract/tracer.js";
import { ComputeError } from "../errors/compute-error.js";
import { type Caller, RunLedger } from "./run-ledger.js";
import { traced } from "./trace-recorder.js";

/** A ledger whose tracer keeps what it is told. */
function listened(options: Omit<Tracer, "record"> = {}) {
  const events: TraceEvent[] = [];
  const tracer = { ...options, record: (event: TraceEvent) => void events.push(event) };
  return { ledger: new RunLedger("test", tracer), events, tracer };
}

test("a run is recorded from its call to its end, with its phases and its submission, which comes first", async () => {
  const { ledger, events } = listened();
  const recorder = ledger.recorder!;
  const results = await ledger.start("k", {}, async (caller) => {
    caller.trace!.clock.lap("pipeline");
    const submission = recorder.beginSubmission([{ caller }])!;
    submission.clock.lap("upload");
    await null;
    submission.clock.lap("compute");
    submission.gpuTimeNs = 70;
    recorder.endSubmission(submission);
    return "results";
  });
  expect(results).toBe("results");
  const [submission, run] = events as [SubmissionSpan, WorkSpan];
  expect(events).toHaveLength(2);
  expect(submission).toMatchObject({ kind: "submission", backend: "test", id: 1, work: [1], gpuTimeNs: 70 });
  expect(submission.phases.map(({ phase }) => phase)).toEqual(["upload", "compute"]);
  expect(run).toMatchObject({ kind: "run", backend: "test", id: 1, label: "k", submission });
  expect(run.phases.map(({ phase }) => phase)).toEqual(["pipeline"]);
  expect(run.startUs).toBeLessThanOrEqual(submission.startUs);
  expect(submission.endUs).toBeLessThanOrEqual(run.endUs);
  expect("error" in run).toBe(false);
  expect(JSON.parse(JSON.stringify(events))).toEqual(events);
});

test("what fails carries its code, and a defect its message", async () => {
  const { ledger, events } = listened();
  const refusal = new ComputeError("out-of-memory", "There is none.");
  const fail = async (caller: Caller, error: unknown) => {
    const submission = ledger.recorder!.beginSubmission([{ caller }])!;
    ledger.recorder!.endSubmission(submission, { error });
    throw error;
  };
  await expect(ledger.start("k", {}, (caller) => fail(caller, refusal))).rejects.toEqual(refusal);
  await expect(ledger.startTask("The task", {}, (caller) => fail(caller, new Error("broken")))).rejects.toThrow(
    "broken",
  );
  await expect(ledger.start("k", {}, () => Promise.reject("text"))).rejects.toBe("text");
  expect(events.map(({ kind, error }) => [kind, error])).toEqual([
    ["submission", { code: "out-of-memory", message: "There is none." }],
    ["run", { code: "out-of-memory", message: "There is none." }],
    ["submission", { code: "defect", message: "broken" }],
    ["task", { code: "defect", message: "broken" }],
    ["run", { code: "defect", message: "text" }],
  ]);
});

test("a run that its caller has left is told of at once, and is not changed by what it does after", async () => {
  const { ledger, events } = listened();
  const controller = new AbortController();
  let goOn = () => {};
  const run = ledger.start("k", { signal: controller.signal }, async (caller) => {
    const submission = ledger.recorder!.beginSubmission([{ caller }])!;
    await new Promise<void>((resolve) => (goOn = resolve));
    caller.trace!.clock.lap("pipeline");
    ledger.recorder!.endSubmission(submission);
  });
  controller.abort();
  await expect(run).rejects.toThrow("aborted");
  expect(events).toMatchObject([{ kind: "run", phases: [], error: { code: "aborted" } }]);
  goOn();
  await ledger.close();
  expect(events).toMatchObject([
    { kind: "run", phases: [] },
    { kind: "submission", work: [1] },
  ]);
  expect("submission" in events[0]!).toBe(false);
});

test("runs that share a submission have the same, and the last where they were in two", async () => {
  const { ledger, events } = listened();
  const recorder = ledger.recorder!;
  const callers: Caller[] = [];
  const ends: (() => void)[] = [];
  const begin = (label: string) =>
    ledger.start(label, {}, (caller) => {
      callers.push(caller);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  const runs = [begin("first"), begin("second")];
  const shared = recorder.beginSubmission(callers.map((caller) => ({ caller })))!;
  recorder.endSubmission(shared, { error: new ComputeError("invalid-kernel", "One of them is bad.") });
  const alone = recorder.beginSubmission([{ caller: callers[1]! }])!;
  recorder.endSubmission(alone);
  for (const end of ends) end();
  await Promise.all(runs);
  expect(events.map((event) => (event.kind === "submission" ? event.work : []))).toEqual([[1, 2], [2], [], []]);
  expect(events.slice(2).map((event) => (event as WorkSpan).submission?.id)).toEqual([1, 2]);
});

test("while the tracer is not enabled nothing is noted, nor what has begun then", async () => {
  const { ledger, events, tracer } = listened();
  const off = tracer as { isEnabled?: boolean };
  off.isEnabled = false;
  const traces: unknown[] = [];
  await ledger.start("k", {}, async (caller) => {
    traces.push(caller.trace, ledger.recorder!.beginSubmission([{ caller }]));
    off.isEnabled = true;
    const submission = ledger.recorder!.beginSubmission([{ caller }])!;
    ledger.recorder!.endSubmission(submission);
  });
  off.isEnabled = false;
  ledger.recorder!.deviceRecovered("d");
  expect(traces).toEqual([undefined, undefined]);
  expect(events).toMatchObject([{ kind: "submission", work: [] }]);
});

test("a tracer that throws fails no run, and its error does not pass in silence", async () => {
  const thrown: unknown[] = [];
  const later = vi.spyOn(globalThis, "queueMicrotask").mockImplementation((work) => {
    try {
      work();
    } catch (error) {
      thrown.push(error);
    }
  });
  try {
    const ledger = new RunLedger("test", {
      record() {
        throw new Error("the tracer's");
      },
    });
    expect(await ledger.start("k", {}, async () => 1)).toBe(1);
    expect(ledger.stats()).toMatchObject({ completed: 1, failed: 0 });
    expect(thrown).toEqual([new Error("the tracer's")]);
  } finally {
    later.mockRestore();
  }
});

test("changes of the device are told of with their time", () => {
  const { ledger, events } = listened();
  ledger.recorder!.deviceLost("d", new ComputeError("device-lost", "It is gone."));
  ledger.recorder!.deviceRecovered("e");
  expect(events).toMatchObject([
    { kind: "device", change: "lost", device: "d", error: { code: "device-lost", message: "It is gone." } },
    { kind: "device", change: "recovered", device: "e" },
  ]);
  for (const event of events) expect((event as { atUs: number }).atUs).toBeGreaterThan(0);
});

test("a task is done without a listener too", async () => {
  const { ledger, events } = listened();
  expect(await traced(undefined, "The task", async () => 1)).toBe(1);
  expect(await traced(ledger.recorder, "The task", async () => 2)).toBe(2);
  await expect(traced(ledger.recorder, "The task", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(events).toMatchObject([
    { kind: "task", label: "The task" },
    { kind: "task", error: { message: "no" } },
  ]);
});

test("a tracer that is none is refused", () => {
  for (const tracer of [null, 5, {}, () => {}]) {
    expect(() => new RunLedger("test", tracer as never)).toThrow(/tracer.*`record`/);
  }
  expect(new RunLedger("test").recorder).toBeUndefined();
});
