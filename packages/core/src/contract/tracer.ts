/** What backends tell of their work while it goes on. Plain data: it can be kept, written as JSON, and sent to another thread. */
import type { ComputeErrorCode } from "../errors/compute-error.js";

/** A stretch of time, in microseconds of `performance.now()`'s clock. */
export interface TimeSpan {
  readonly startUs: number;
  readonly endUs: number;
}

/** Where time goes, as `RunProfile` tells of each. */
export type RunPhase = "init" | "pipeline" | "descriptors" | "upload" | "recording" | "compute" | "download";

export interface PhaseSpan extends TimeSpan {
  readonly phase: RunPhase;
}

/** Why something failed; `defect` for an error that is no `ComputeError`. */
export interface TracedError {
  readonly code: ComputeErrorCode | "defect";
  readonly message: string;
}

/** One submission, from the memory that is acquired for it to its results; or to its refusal, and then nothing of it has run. */
export interface SubmissionSpan extends TimeSpan {
  readonly kind: "submission";
  /** The backend's name. */
  readonly backend: string;
  /** From 1, for each backend. */
  readonly id: number;
  /** The ids of the runs and tasks that shared it; not of those that began while nobody listened. */
  readonly work: readonly number[];
  /**
   * In order: upload, descriptors, recording, compute, download. What is recorded for another submission like this, while the device works, is a part of
   * compute, and of no phase of the other's.
   */
  readonly phases: readonly PhaseSpan[];
  /** The compute passes alone, where the run was profiled and the device can tell. */
  readonly gpuTimeNs?: number;
  readonly error?: TracedError;
}

/**
 * A run, from its call until its caller is told. What is no run is a task: opening a device, compiling, preparing, recording and tuning, and the
 * reads, writes and copies of resident arrays.
 */
export interface WorkSpan extends TimeSpan {
  readonly kind: "run" | "task";
  /** The backend's name. */
  readonly backend: string;
  /** From 1 for each backend, in the order of the calls. */
  readonly id: number;
  /** The kernel's label for a run, `sequence "name"` for a replay; for a task what it is. */
  readonly label: string;
  /** What came before its submission: init, pipeline. */
  readonly phases: readonly PhaseSpan[];
  /** The last that it was in; absent where there was none, or the caller left before its end. */
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
  /** Why it is lost. */
  readonly error?: TracedError;
}

export type TraceEvent = WorkSpan | SubmissionSpan | DeviceChange;

/** Who wants to know what a backend does. */
export interface Tracer {
  /** Asked as work begins: where it is false, nothing is noted of that work. True where it is absent. */
  readonly isEnabled?: boolean;
  /** Called with each span when it has ended, a submission before its runs. What this throws is nobody's to catch, and disturbs no run. */
  record(event: TraceEvent): void;
}
