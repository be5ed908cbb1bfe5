/**
 * What backends report about their work as it goes on. It is plain data: it can be kept, written as JSON and sent to
 * another thread.
 */
import type { ComputeErrorCode } from "../errors/compute-error.js";

/** A stretch of time, in microseconds of `performance.now()`'s clock. */
export interface TimeSpan {
  readonly startUs: number;
  readonly endUs: number;
}

/** The phases of a run; `RunProfile` describes each. */
export type RunPhase = "init" | "pipeline" | "descriptors" | "upload" | "recording" | "compute" | "download";

export interface PhaseSpan extends TimeSpan {
  readonly phase: RunPhase;
}

/** Why something failed; `defect` for an error that is not a `ComputeError`. */
export interface TracedError {
  readonly code: ComputeErrorCode | "defect";
  readonly message: string;
}

/** One submission, from acquiring its memory to its results; or to its refusal, in which case nothing of it has run. */
export interface SubmissionSpan extends TimeSpan {
  readonly kind: "submission";
  /** The backend's name. */
  readonly backend: string;
  /** From 1, for each backend. */
  readonly id: number;
  /** The ids of the runs and tasks that shared it, except those that began while the tracer was off. */
  readonly work: readonly number[];
  /**
   * In order: upload, descriptors, recording, compute, download. Commands recorded ahead for another submission, while
   * the device works, count as compute here, and in no phase there.
   */
  readonly phases: readonly PhaseSpan[];
  /** The compute passes alone, if the run was profiled and the device has timestamps. */
  readonly gpuTimeNs?: number;
  readonly error?: TracedError;
}

/**
 * A run, from its call until its caller is told. Everything else is a task: opening a device, compiling, preparing,
 * recording and tuning, and the reads, writes and copies of resident arrays.
 */
export interface WorkSpan extends TimeSpan {
  readonly kind: "run" | "task";
  /** The backend's name. */
  readonly backend: string;
  /** From 1 for each backend, in the order of the calls. */
  readonly id: number;
  /** The kernel's label for a run, `sequence "name"` for a replay; for a task, what it does. */
  readonly label: string;
  /** The phases before its submission: init, pipeline. */
  readonly phases: readonly PhaseSpan[];
  /** The last one that it was in; absent if there was none, or the caller left before it ended. */
  readonly submission?: SubmissionSpan;
  readonly error?: TracedError;
}

/** The device is lost, or another has taken the place of a lost one. */
export interface DeviceChange {
  readonly kind: "device";
  /** The backend's name. */
  readonly backend: string;
  readonly change: "lost" | "recovered";
  readonly atUs: number;
  /** The adapter's name. */
  readonly device: string;
  /** Why it was lost. */
  readonly error?: TracedError;
}

export type TraceEvent = WorkSpan | SubmissionSpan | DeviceChange;

/** Receives what a backend reports. */
export interface Tracer {
  /** Read when work begins; if it is false, nothing is reported about that work. True by default. */
  readonly isEnabled?: boolean;
  /**
   * Called with each span when it has ended; a submission comes before its runs. An error thrown here disturbs no run:
   * it is thrown again later, as an uncaught error.
   */
  record(event: TraceEvent): void;
}
