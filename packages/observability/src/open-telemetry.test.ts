import { ComputeError, type SubmissionSpan, type WorkSpan } from "@kiln-gpu/core";
import { RunLedger } from "@kiln-gpu/core/backend";
import * as api from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import manifest from "../package.json";
import { openTelemetry } from "./open-telemetry.js";

const spans = new InMemorySpanExporter();
const metrics = new InMemoryMetricExporter(AggregationTemporality.DELTA);
const meters = new MeterProvider({
  readers: [new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 2 ** 30 })],
});

beforeAll(() => {
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  api.metrics.setGlobalMeterProvider(meters);
});
beforeEach(() => spans.reset());
afterAll(async () => {
  await meters.shutdown();
  api.context.disable();
  api.trace.disable();
  api.metrics.disable();
});

/** A run with a submission, on a ledger such as backends have. */
async function oneRun(ledger: RunLedger, error?: ComputeError): Promise<void> {
  await ledger.start("saxpy", {}, async (caller) => {
    caller.trace!.clock.lap("pipeline");
    await new Promise((resolve) => setImmediate(resolve));
    const submission = ledger.recorder!.beginSubmission([{ caller }])!;
    submission.clock.lap("upload");
    submission.clock.lap("compute");
    ledger.recorder!.endSubmission(submission, error && { error });
    if (error) throw error;
  });
}

const finished = (name: string) => spans.getFinishedSpans().filter((span) => span.name === name);
const toMs = ([seconds, nanoseconds]: api.HrTime) => seconds * 1000 + nanoseconds / 1e6;

test("a run is a child of the span that was active at its call, and contains its phases", async () => {
  const ledger = new RunLedger("test", openTelemetry(api));
  const before = Date.now();
  const request = (name: string) =>
    api.trace.getTracer("service").startActiveSpan(name, async (span) => {
      await oneRun(ledger);
      span.end();
    });
  // At once: each keeps its own context.
  await Promise.all([request("first"), request("second")]);
  const runs = finished("kiln.run");
  expect(runs).toHaveLength(2);
  for (const [i, name] of ["first", "second"].entries()) {
    const run = runs[i]!;
    expect(run.parentSpanContext?.spanId).toBe(finished(name)[0]!.spanContext().spanId);
    expect(run.attributes).toEqual({
      "kiln.backend": "test",
      "kiln.id": i + 1,
      "kiln.run": "saxpy",
      "kiln.submission.id": i + 1,
      "kiln.submission.work": 1,
    });
    expect(run.status.code).toBe(api.SpanStatusCode.UNSET);
    const within = spans
      .getFinishedSpans()
      .filter(({ parentSpanContext }) => parentSpanContext?.spanId === run.spanContext().spanId);
    expect(within.map((span) => span.name)).toEqual(["pipeline", "upload", "compute"]);
    for (const span of within) {
      expect(toMs(span.startTime)).toBeGreaterThanOrEqual(toMs(run.startTime) - 0.001);
      expect(toMs(span.endTime)).toBeLessThanOrEqual(toMs(run.endTime) + 0.001);
    }
    // The clock of `performance.now()` may have drifted from the wall's by some milliseconds.
    expect(Math.abs(toMs(run.startTime) - before)).toBeLessThan(60_000);
  }
});

test("a run that fails has the status and the code of its error", async () => {
  const ledger = new RunLedger("test", openTelemetry(api));
  await expect(oneRun(ledger, new ComputeError("out-of-memory", "There is none."))).rejects.toThrow("There is none.");
  const [run] = finished("kiln.run");
  expect(run!.status).toEqual({ code: api.SpanStatusCode.ERROR, message: "There is none." });
  expect(run!.attributes["error.type"]).toBe("out-of-memory");
});

const submission: SubmissionSpan = {
  kind: "submission",
  backend: "test",
  id: 5,
  work: [1, 2, 3],
  startUs: 20_000,
  endUs: 90_000,
  phases: [
    { phase: "upload", startUs: 20_000, endUs: 30_000 },
    { phase: "compute", startUs: 35_000, endUs: 90_000 },
  ],
};
const run: WorkSpan = {
  kind: "run",
  backend: "test",
  id: 2,
  label: "saxpy",
  startUs: 10_000,
  endUs: 1_510_000,
  phases: [{ phase: "pipeline", startUs: 11_000, endUs: 15_000 }],
  submission,
};

test("each span starts and ends when its event does, and has the number of runs in its submission", () => {
  openTelemetry(api).record(run);
  // The time of the epoch has 0.2 µs of precision in a double of milliseconds.
  const usOf = (time: api.HrTime) => Math.round((toMs(time) - performance.timeOrigin) * 1000);
  const times = spans.getFinishedSpans().map((span) => [span.name, usOf(span.startTime), usOf(span.endTime)]);
  expect(times).toEqual([
    ["pipeline", 11_000, 15_000],
    ["upload", 20_000, 30_000],
    ["compute", 35_000, 90_000],
    ["kiln.run", 10_000, 1_510_000],
  ]);
  expect(spans.getFinishedSpans().at(-1)!.attributes).toEqual({
    "kiln.backend": "test",
    "kiln.id": 2,
    "kiln.run": "saxpy",
    "kiln.submission.id": 5,
    "kiln.submission.work": 3,
  });
});

test("the span of a task has the label of the task as an attribute, since labels hold sizes", () => {
  const { submission: _, ...alone } = run;
  openTelemetry(api).record({ ...alone, kind: "task", label: "The opening of a device" });
  expect(spans.getFinishedSpans().map((span) => span.name)).toEqual(["pipeline", "kiln.task"]);
  expect(spans.getFinishedSpans()[1]!.attributes).toEqual({
    "kiln.backend": "test",
    "kiln.id": 2,
    "kiln.task": "The opening of a device",
  });
});

test("no span is started for the phases of a run that is not sampled", () => {
  const tracer = api.trace.getTracer("test");
  const startSpan = vi.spyOn(tracer, "startSpan");
  const { context, metrics: meter, trace } = api;
  const watched = { context, metrics: meter, trace: { getTracer: () => tracer, setSpan: trace.setSpan } };
  const unsampled = {
    traceId: "a".repeat(32),
    spanId: "b".repeat(16),
    traceFlags: api.TraceFlags.NONE,
    isRemote: true,
  };
  api.context.with(api.trace.setSpanContext(api.context.active(), unsampled), () => openTelemetry(watched).record(run));
  expect(startSpan.mock.calls.map(([name]) => name)).toEqual(["kiln.run"]);
  expect(spans.getFinishedSpans()).toEqual([]);
  openTelemetry(watched).record(run);
  expect(startSpan.mock.calls.map(([name]) => name).slice(1)).toEqual(["kiln.run", "pipeline", "upload", "compute"]);
});

/** The points of each metric: a counter's value, or how many values a histogram has and their sum. */
async function measured(work: () => unknown) {
  await meters.forceFlush();
  metrics.reset();
  await work();
  await meters.forceFlush();
  const all = metrics.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return Object.fromEntries(
    all.map(({ descriptor: { name, unit }, dataPoints }) => [
      name,
      dataPoints.map(({ attributes, value }) => {
        const isHistogram = typeof value === "object" && "count" in value;
        return { ...attributes, unit, value: isHistogram ? [value.count, value.sum] : value };
      }),
    ]),
  );
}

test("durations are measured in seconds, a submission by the work in it", async () => {
  const points = await measured(() => {
    const tracer = openTelemetry(api);
    tracer.record(submission);
    tracer.record(run);
    tracer.record({ ...run, id: 3, kind: "task" });
    tracer.record({ ...run, id: 4, error: { code: "timeout", message: "Too long." } });
  });
  const common = { "kiln.backend": "test", unit: "s" };
  expect(points).toEqual({
    "kiln.run.duration": [
      { ...common, "kiln.run": "saxpy", value: [1, 1.5] },
      { ...common, "kiln.run": "saxpy", "error.type": "timeout", value: [1, 1.5] },
    ],
    "kiln.submission.work": [{ "kiln.backend": "test", unit: "{run}", value: [1, 3] }],
    "kiln.submission.phase.duration": [
      { ...common, "kiln.phase": "upload", value: [1, 0.01] },
      { ...common, "kiln.phase": "compute", value: [1, 0.055] },
    ],
  });
});

test("changes of the device are counted", async () => {
  const points = await measured(() => {
    const recorder = new RunLedger("test", openTelemetry(api)).recorder!;
    recorder.deviceLost("d", new ComputeError("device-lost", "It is gone."));
    recorder.deviceRecovered("d");
    recorder.deviceRecovered("d");
  });
  const common = { "kiln.backend": "test", unit: "" };
  expect(points).toEqual({
    "kiln.device.changes": [
      { ...common, "kiln.device.change": "lost", "error.type": "device-lost", value: 1 },
      { ...common, "kiln.device.change": "recovered", value: 2 },
    ],
  });
});

test("the scope has the name and the version of the package", async () => {
  const all = await scopesOf(() => openTelemetry(api).record(run));
  const { name, version } = manifest;
  expect(all).toEqual([
    { name, version },
    { name, version },
  ]);
});

/** The scopes of the spans and of the metrics that `work` reports. */
async function scopesOf(work: () => void) {
  await meters.forceFlush();
  metrics.reset();
  work();
  await meters.forceFlush();
  const [metric] = metrics.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.map(({ scope }) => scope));
  const [span] = spans.getFinishedSpans().map(({ instrumentationScope }) => instrumentationScope);
  return [span!, metric!].map(({ name, version }) => ({ name, version }));
}
