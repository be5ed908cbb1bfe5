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
import { lanesOf } from "./lanes.js";

/** One event of the Trace Event Format; times are microseconds. */
export interface ChromeEvent {
  readonly name: string;
  readonly cat: string;
  /** `X` is a span, `i` an instant, `M` the name of a process or thread. */
  readonly ph: "X" | "i" | "M";
  readonly ts: number;
  readonly dur?: number;
  /** A backend. */
  readonly pid: number;
  /** A track: spans of one never overlap, but that the phases of a run lie within it. */
  readonly tid: number;
  /** Of an instant, how far its mark reaches: all tracks of the backend. */
  readonly s?: "p";
  readonly args: { readonly [name: string]: string | number | readonly number[] };
}

export interface ChromeTraceFile {
  readonly traceEvents: readonly ChromeEvent[];
  readonly displayTimeUnit: "ms";
  readonly otherData: { readonly dropped: number };
}

export interface ChromeTraceOptions {
  /** How many events of Kiln's are kept; then the oldest go. 10,000 by default. */
  readonly maxEvents?: number;
}

/** Collects what backends do, for `chrome://tracing`, Perfetto (ui.perfetto.dev) and the browsers' developer tools. */
export interface ChromeTrace extends Tracer {
  /** Set to false, and nothing is noted until it is true again. */
  isEnabled: boolean;
  /** How many events had to go. */
  readonly dropped: number;
  clear(): void;
  /** What `JSON.stringify(trace)` writes. */
  toJSON(): ChromeTraceFile;
}

/** @throws {ComputeError} `invalid-option` for a bound that is none. */
export function chromeTrace({ maxEvents = 10_000 }: ChromeTraceOptions = {}): ChromeTrace {
  if (!Number.isSafeInteger(maxEvents) || maxEvents < 1) {
    throw new ComputeError(
      "invalid-option",
      `chromeTrace is given maxEvents of ${maxEvents}; expected is a whole number, 1 or more.`,
    );
  }
  let events: TraceEvent[] = [];
  /** Of all that there ever were; each takes the place of the one that many before it. */
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
