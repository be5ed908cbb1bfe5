import { describeValue } from "../bindings/describe-value.js";
import type { SubmissionSpan, TracedError, TraceEvent, Tracer } from "../contract/tracer.js";
import { ComputeError, isComputeError } from "../errors/compute-error.js";
import { nowUs, RunClock } from "./run-clock.js";

/** A run or a task that is being traced. */
export interface WorkTrace {
  readonly kind: "run" | "task";
  readonly id: number;
  readonly label: string;
  readonly clock: RunClock;
  submission: SubmissionSpan | undefined;
}

/** A submission that is being traced. */
export interface SubmissionTrace {
  readonly id: number;
  readonly work: readonly WorkTrace[];
  readonly clock: RunClock;
  gpuTimeNs: number | undefined;
}

/** What a run or a task carries through a backend. */
interface Traced {
  readonly caller: { readonly trace: WorkTrace | undefined };
}

/** Records what one backend does, for its tracer. A backend without a tracer has no recorder. */
export class TraceRecorder {
  readonly #backend: string;
  readonly #tracer: Tracer;
  #lastWork = 0;
  #lastSubmission = 0;

  /** @throws {ComputeError} `invalid-option` if `tracer` is not a tracer. */
  constructor(backend: string, tracer: Tracer) {
    if (typeof tracer?.record !== "function") {
      throw new ComputeError(
        "invalid-option",
        `The ${backend} backend: "tracer" must be an object with a function \`record\`; got ${describeValue(tracer)}.`,
      );
    }
    this.#backend = backend;
    this.#tracer = tracer;
  }

  /** `undefined` without a listener. */
  begin(kind: WorkTrace["kind"], label: string): WorkTrace | undefined {
    if (this.#tracer.isEnabled === false) return undefined;
    return { kind, id: ++this.#lastWork, label, clock: new RunClock(), submission: undefined };
  }

  /** @param failure What the work rejected with. */
  end(
    { kind, id, label, clock: { startUs, phases }, submission }: WorkTrace,
    failure?: { readonly error: unknown },
  ): void {
    this.#record({
      kind,
      backend: this.#backend,
      id,
      label,
      startUs,
      endUs: nowUs(),
      // A copy, because work whose caller has left goes on and adds phases.
      phases: phases.slice(),
      ...(submission && { submission }),
      ...(failure && { error: tracedError(failure.error) }),
    });
  }

  /** `undefined` without a listener. */
  beginSubmission(runs: readonly Traced[]): SubmissionTrace | undefined {
    if (this.#tracer.isEnabled === false) return undefined;
    const work = runs.flatMap(({ caller }) => caller.trace ?? []);
    return { id: ++this.#lastSubmission, work, clock: new RunClock(), gpuTimeNs: undefined };
  }

  /** @param failure What the submission failed with. */
  endSubmission(
    { id, work, clock: { startUs, phases }, gpuTimeNs }: SubmissionTrace,
    failure?: { readonly error: unknown },
  ): void {
    const span: SubmissionSpan = {
      kind: "submission",
      backend: this.#backend,
      id,
      work: work.map((each) => each.id),
      startUs,
      endUs: nowUs(),
      phases,
      ...(gpuTimeNs !== undefined && { gpuTimeNs }),
      ...(failure && { error: tracedError(failure.error) }),
    };
    for (const each of work) each.submission = span;
    this.#record(span);
  }

  deviceLost(device: string, reason: ComputeError): void {
    this.#recordDevice({ change: "lost", device, error: tracedError(reason) });
  }

  deviceRecovered(device: string): void {
    this.#recordDevice({ change: "recovered", device });
  }

  #recordDevice(event: Pick<Extract<TraceEvent, { kind: "device" }>, "change" | "device" | "error">): void {
    if (this.#tracer.isEnabled === false) return;
    this.#record({ kind: "device", backend: this.#backend, atUs: nowUs(), ...event });
  }

  #record(event: TraceEvent): void {
    try {
      this.#tracer.record(event);
    } catch (error) {
      // A defect of the tracer must neither fail a run nor pass in silence.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** Does `work`, and traces it as a task of `recorder` if there is one. */
export async function traced<T>(
  recorder: TraceRecorder | undefined,
  label: string,
  work: () => Promise<T>,
): Promise<T> {
  const trace = recorder?.begin("task", label);
  if (!trace) return work();
  try {
    const value = await work();
    recorder!.end(trace);
    return value;
  } catch (error) {
    recorder!.end(trace, { error });
    throw error;
  }
}

function tracedError(error: unknown): TracedError {
  if (isComputeError(error)) return { code: error.code, message: error.message };
  return { code: "defect", message: error instanceof Error ? error.message : String(error) };
}
