import {
  ComputeError,
  type DeviceChange,
  type PhaseSpan,
  type SubmissionSpan,
  type TimeSpan,
  type TraceEvent,
  type Tracer,
  type WorkSpan,
} from "@kiln-gpu/core";
import { checkOptionNames, describeValue, optionNames as namesOf } from "@kiln-gpu/core/backend";
import { lanesOf } from "./lanes.js";

/** One event of the Trace Event Format; times are microseconds. */
export interface ChromeEvent {
  readonly name: string;
  readonly cat: string;
  /** `X` for a span, `i` for an instant, `M` for the name of a process or thread. */
  readonly ph: "X" | "i" | "M";
  readonly ts: number;
  readonly dur?: number;
  /** The number of the backend. */
  readonly pid: number;
  /** The number of the track. Spans of one track do not overlap, except that a run contains its phases. */
  readonly tid: number;
  /** How far the mark of an instant reaches: `p` for all tracks of the backend. */
  readonly s?: "p";
  readonly args: { readonly [name: string]: string | number | readonly number[] };
}

export interface ChromeTraceFile {
  readonly traceEvents: readonly ChromeEvent[];
  readonly displayTimeUnit: "ms";
  readonly otherData: { readonly dropped: number };
}

export interface ChromeTraceOptions {
  /**
   * How many events are kept; after that each new event replaces the oldest.
   * @default 10000
   */
  readonly maxEvents?: number;
}

const optionNames = /* @__PURE__ */ namesOf<ChromeTraceOptions>({ maxEvents: true });

/** Collects events of backends for `chrome://tracing`, Perfetto (ui.perfetto.dev) and browsers' developer tools. */
export interface ChromeTrace extends Tracer {
  /** While this is false nothing is recorded. True at first. */
  isEnabled: boolean;
  /** How many events were replaced. */
  readonly dropped: number;
  clear(): void;
  /** Called by `JSON.stringify(trace)`. */
  toJSON(): ChromeTraceFile;
}

/** @throws {ComputeError} `invalid-option` if `maxEvents` is not a whole number above 0. */
export function chromeTrace(options: ChromeTraceOptions = {}): ChromeTrace {
  checkOptionNames("chromeTrace", options, optionNames);
  const { maxEvents = 10_000 } = options;
  if (!Number.isSafeInteger(maxEvents) || maxEvents < 1) {
    throw new ComputeError(
      "invalid-option",
      `chromeTrace: "maxEvents" must be a whole number, 1 or more; got ${describeValue(maxEvents)}.`,
    );
  }
  let events: TraceEvent[] = [];
  /** How many events were recorded since the last `clear`. */
  let count = 0;
  return {
    isEnabled: true,
    get dropped() {
      return count - events.length;
    },
    record(event) {
      events[count % maxEvents] = event;
      count += 1;
    },
    clear() {
      events = [];
      count = 0;
    },
    toJSON: () => ({
      traceEvents: chromeEventsOf(events),
      displayTimeUnit: "ms",
      otherData: { dropped: count - events.length },
    }),
  };
}

const tracks = ["submission", "run", "task"] as const;

function chromeEventsOf(events: readonly TraceEvent[]): ChromeEvent[] {
  const written: ChromeEvent[] = [];
  const backends = [...new Set(events.map(({ backend }) => backend))];
  for (const [index, backend] of backends.entries()) {
    const pid = index + 1;
    const own = events.filter((event) => event.backend === backend);
    written.push(nameOf("process_name", `Kiln, ${backend}`, pid, 0));
    for (const event of own) if (event.kind === "device") written.push(instant(event, pid));
    let tid = 0;
    for (const kind of tracks) {
      const spans = own.filter((event): event is WorkSpan | SubmissionSpan => event.kind === kind);
      for (const [lane, inLane] of lanesOf(spans).entries()) {
        tid += 1;
        written.push(nameOf("thread_name", `${kind}s ${lane + 1}`, pid, tid));
        for (const span of inLane)
          written.push(...(span.kind === "submission" ? ofSubmission(span, pid, tid) : ofWork(span, pid, tid)));
      }
    }
  }
  return written;
}

function ofSubmission(span: SubmissionSpan, pid: number, tid: number): ChromeEvent[] {
  const { id, work, gpuTimeNs, phases } = span;
  const args = { id, work, ...(gpuTimeNs !== undefined && { gpuTimeNs }), ...failureOf(span) };
  return [
    complete(nameOfSubmission(span), span, pid, tid, "submission", args),
    ...phases.map((phase) => ofPhase(phase, pid, tid)),
  ];
}

function ofWork(span: WorkSpan, pid: number, tid: number): ChromeEvent[] {
  const { kind, id, label, phases, submission } = span;
  const args = { id, ...(submission && { submission: submission.id }), ...failureOf(span) };
  const within = phases.map((phase) => ofPhase(phase, pid, tid));
  if (submission)
    within.push(complete(nameOfSubmission(submission), submission, pid, tid, "submission", { id: submission.id }));
  return [complete(label, span, pid, tid, kind, args), ...within];
}

const nameOfSubmission = ({ id }: SubmissionSpan) => `submission ${id}`;

function ofPhase(span: PhaseSpan, pid: number, tid: number): ChromeEvent {
  return complete(span.phase, span, pid, tid, "phase", {});
}

function complete(
  name: string,
  { startUs, endUs }: TimeSpan,
  pid: number,
  tid: number,
  cat: string,
  args: ChromeEvent["args"],
): ChromeEvent {
  return { name, cat, ph: "X", ts: startUs, dur: endUs - startUs, pid, tid, args };
}

function instant(event: DeviceChange, pid: number): ChromeEvent {
  const { change, device, atUs } = event;
  const args = { device, ...failureOf(event) };
  return { name: `device ${change}`, cat: "device", ph: "i", ts: atUs, pid, tid: 0, s: "p", args };
}

function nameOf(name: "process_name" | "thread_name", value: string, pid: number, tid: number): ChromeEvent {
  return { name, cat: "__metadata", ph: "M", ts: 0, pid, tid, args: { name: value } };
}

function failureOf({ error }: TraceEvent): { readonly error?: string; readonly message?: string } {
  return error ? { error: error.code, message: error.message } : {};
}
