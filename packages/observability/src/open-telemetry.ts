import type { TimeSpan, TracedError, Tracer, WorkSpan } from "@kiln-gpu/core";
import { version } from "../package.json";

type Attributes = Record<string, string | number>;

interface OpenTelemetrySpan {
  isRecording(): boolean;
  setStatus(status: { code: number; message?: string }): unknown;
  end(endTime?: number): void;
}

interface Instruments {
  createHistogram(name: string, options: object): { record(value: number, attributes: Attributes): void };
  createCounter(name: string, options: object): { add(value: number, attributes: Attributes): void };
}

/** The part of `@opentelemetry/api` that is used; pass its namespace: `import * as api from "@opentelemetry/api"`. */
export interface OpenTelemetryApi {
  readonly context: { active(): object };
  readonly trace: {
    getTracer(
      name: string,
      version: string,
    ): {
      startSpan(
        name: string,
        options: { startTime: number; attributes?: Attributes },
        context?: object,
      ): OpenTelemetrySpan;
    };
    setSpan(context: object, span: OpenTelemetrySpan): object;
  };
  readonly metrics: { getMeter(name: string, version: string): Instruments };
}

const name = "@kiln-gpu/observability";
/** `SpanStatusCode.ERROR` */
const failed = 2;

/**
 * Reports to OpenTelemetry: runs and tasks as spans that contain their phases, each a child of the span that was active
 * at the call; runs, submissions and device changes as metrics. Call this after the SDK is set up.
 */
export function openTelemetry(api: OpenTelemetryApi): Tracer {
  const tracer = api.trace.getTracer(name, version);
  const meter = api.metrics.getMeter(name, version);
  const runDuration = meter.createHistogram("kiln.run.duration", {
    unit: "s",
    description: "Time from the call of a run until its promise settles.",
  });
  const submissionSize = meter.createHistogram("kiln.submission.work", {
    unit: "{run}",
    description: "Number of runs and tasks in one submission.",
  });
  const phaseDuration = meter.createHistogram("kiln.submission.phase.duration", {
    unit: "s",
    description: "Time of each phase of a submission.",
  });
  const deviceChanges = meter.createCounter("kiln.device.changes", {
    description: "Number of devices that were lost or replaced a lost one.",
  });

  const addSpan = (work: WorkSpan) => {
    const { kind, label, id, submission, error } = work;
    const attributes = {
      "kiln.backend": work.backend,
      "kiln.id": id,
      [`kiln.${kind}`]: label,
      ...(submission && { "kiln.submission.id": submission.id, "kiln.submission.work": submission.work.length }),
      ...failureOf(error),
    };
    // This is called from the run's own asynchronous function, whose context is that of the call.
    const context = api.context.active();
    const span = tracer.startSpan(`kiln.${kind}`, { startTime: toMs(work.startUs), attributes }, context);
    if (error) span.setStatus({ code: failed, message: error.message });
    if (span.isRecording()) {
      const within = api.trace.setSpan(context, span);
      for (const { phase, startUs, endUs } of [...work.phases, ...(submission?.phases ?? [])]) {
        tracer.startSpan(phase, { startTime: toMs(startUs) }, within).end(toMs(endUs));
      }
    }
    span.end(toMs(work.endUs));
  };

  return {
    record(event) {
      const common = { "kiln.backend": event.backend, ...failureOf(event.error) };
      if (event.kind === "device") {
        deviceChanges.add(1, { ...common, "kiln.device.change": event.change });
      } else if (event.kind === "submission") {
        submissionSize.record(event.work.length, common);
        for (const span of event.phases) phaseDuration.record(secondsOf(span), { ...common, "kiln.phase": span.phase });
      } else {
        addSpan(event);
        if (event.kind === "run") runDuration.record(secondsOf(event), { ...common, "kiln.run": event.label });
      }
    },
  };
}

function secondsOf({ startUs, endUs }: TimeSpan): number {
  return (endUs - startUs) / 1e6;
}

/** Milliseconds since the epoch, which OpenTelemetry accepts as a time. */
function toMs(us: number): number {
  return performance.timeOrigin + us / 1000;
}

function failureOf(error: TracedError | undefined): Attributes {
  return error ? { "error.type": error.code } : {};
}
