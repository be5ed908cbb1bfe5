import type { TimeSpan, TracedError, Tracer, WorkSpan } from "@kiln-gpu/core";

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

/** What is used of `@opentelemetry/api`, whose namespace fits: `import * as api from "@opentelemetry/api"`. */
export interface OpenTelemetryApi {
  readonly context: { active(): object };
  readonly trace: {
    getTracer(name: string): {
      startSpan(
        name: string,
        options: { startTime: number; attributes?: Attributes },
        context?: object,
      ): OpenTelemetrySpan;
    };
    setSpan(context: object, span: OpenTelemetrySpan): object;
  };
  readonly metrics: { getMeter(name: string): Instruments };
}

const name = "@kiln-gpu/observability";
/** `SpanStatusCode.ERROR` */
const failed = 2;

/**
 * Gives runs and tasks to OpenTelemetry as spans with their phases within, each a child of what was active at its call; and runs, submissions and
 * device changes as metrics. To be called after the SDK is set up.
 */
export function openTelemetry(api: OpenTelemetryApi): Tracer {
  const tracer = api.trace.getTracer(name);
  const meter = api.metrics.getMeter(name);
  const runDuration = meter.createHistogram("kiln.run.duration", {
    unit: "s",
    description: "From the call of a run until its caller is told.",
  });
  const submissionSize = meter.createHistogram("kiln.submission.work", {
    unit: "{run}",
    description: "Runs and tasks that shared one submission.",
  });
  const phaseDuration = meter.createHistogram("kiln.submission.phase.duration", {
    unit: "s",
    description: "Of the phases of a submission.",
  });
  const deviceChanges = meter.createCounter("kiln.device.changes", {
    description: "Devices that were lost, and others that took their place.",
  });

  const addSpan = (work: WorkSpan) => {
    const { kind, label, id, submission, error } = work;
    const attributes = {
      "kiln.backend": work.backend,
      "kiln.id": id,
      ...(submission && { "kiln.submission.id": submission.id, "kiln.submission.work": submission.work.length }),
      ...failureOf(error),
    };
    // The asynchronous function in which a run's caller is told goes on in that call's context.
    const context = api.context.active();
    const title = kind === "run" ? `run ${label}` : label;
    const span = tracer.startSpan(title, { startTime: toMs(work.startUs), attributes }, context);
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

/** In milliseconds of the epoch, which OpenTelemetry takes as such; `performance.now()`'s clock starts at `timeOrigin`. */
function toMs(us: number): number {
  return performance.timeOrigin + us / 1000;
}

function failureOf(error: TracedError | undefined): Attributes {
  return error ? { "error.type": error.code } : {};
}
