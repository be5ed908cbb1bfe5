import { ComputeError, RunLedger } from "@kiln-gpu/core";
import * as api from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
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

/** A run that passes through a submission, on a ledger as backends have. */
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

test("a run is a child of what was active at its call, and its phases lie within it", async () => {
  const ledger = new RunLedger("test", openTelemetry(api));
  const before = Date.now();
  const request = (name: string) =>
    api.trace.getTracer("service").startActiveSpan(name, async (span) => {
      await oneRun(ledger);
      span.end();
    });
  // At once: each keeps its own.
  await Promise.all([request("first"), request("second")]);
  const runs = finished("run saxpy");
  expect(runs).toHaveLength(2);
  for (const [i, name] of ["first", "second"].entries()) {
    const run = runs[i]!;
    expect(run.parentSpanContext?.spanId).toBe(finished(name)[0]!.spanContext().spanId);
    expect(run.attributes).toEqual({
      "kiln.backend": "test",
      "kiln.id": i + 1,
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
  const [run] = finished("run saxpy");
  expect(run!.status).toEqual({ code: api.SpanStatusCode.ERROR, message: "There is none." });
  expect(run!.attributes["error.type"]).toBe("out-of-memory");
});

test("a span that is not sampled has no phases made for it", async () => {
  const ledger = new RunLedger("test", openTelemetry(api));
  const unsampled = {
    traceId: "a".repeat(32),
    spanId: "b".repeat(16),
    traceFlags: api.TraceFlags.NONE,
    isRemote: true,
  };
  await api.context.with(api.trace.setSpanContext(api.context.active(), unsampled), () => oneRun(ledger));
  expect(spans.getFinishedSpans()).toEqual([]);
});

test("runs, submissions and device changes are measured", async () => {
  await meters.forceFlush();
  metrics.reset();
  const ledger = new RunLedger("test", openTelemetry(api));
  await oneRun(ledger);
  await oneRun(ledger);
  await ledger.prepare("The task", {}, async () => {});
  ledger.recorder!.deviceLost("d", new ComputeError("device-lost", "It is gone."));
  await meters.forceFlush();
  const all = metrics.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  const pointsOf = (name: string) =>
    all
      .find(({ descriptor }) => descriptor.name === name)!
      .dataPoints.map(({ attributes, value }) => ({
        ...attributes,
        value: typeof value === "object" && "count" in value ? value.count : value,
      }));
  expect(pointsOf("kiln.run.duration")).toEqual([{ "kiln.backend": "test", "kiln.run": "saxpy", value: 2 }]);
  expect(pointsOf("kiln.submission.work")).toEqual([{ "kiln.backend": "test", value: 2 }]);
  expect(pointsOf("kiln.submission.phase.duration")).toEqual([
    { "kiln.backend": "test", "kiln.phase": "upload", value: 2 },
    { "kiln.backend": "test", "kiln.phase": "compute", value: 2 },
  ]);
  expect(pointsOf("kiln.device.changes")).toEqual([
    { "kiln.backend": "test", "kiln.device.change": "lost", "error.type": "device-lost", value: 1 },
  ]);
});
