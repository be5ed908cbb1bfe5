import type {
  Accepted,
  Bindings,
  ComputeBackend,
  Kernel,
  NoOthers,
  Results,
  RunOptions,
  TypedArray,
} from "@kiln-gpu/core";

export interface SubmitOptions extends Pick<RunOptions, "workgroups" | "threads" | "signal" | "timeoutMs"> {
  /** Names the job, in every process. A second job under the same key is the same job, and runs nothing. */
  readonly key: string;
  /**
   * From 1, the most urgent, to 2,097,151. A job of 0 goes before all of those.
   * @default 0
   */
  readonly priority?: number;
  /** Is called with 0 when a worker begins the job. */
  readonly onProgress?: (value: number) => void;
}

/** A job that the queue has. */
export interface SubmittedJob<R> {
  readonly key: string;
  /** What `run` would resolve or reject with. */
  readonly results: Promise<R>;
}

/** Runs kernels on the workers of a queue. */
export interface RemoteComputeBackend extends ComputeBackend {
  /**
   * Resolves when the queue has the job: its results come even if this process dies, for the one that calls `reattach`.
   * @throws {ComputeError} `invalid-option`; what `run` throws before the job is sent.
   */
  submit<K extends Bindings, B extends Accepted<K, B> & NoOthers<K, B>>(
    kernel: Kernel<K>,
    bindings: B,
    options: SubmitOptions,
  ): Promise<SubmittedJob<Results<B>>>;
  /**
   * Resolves with the results of a job that any process submitted, as arrays of the types that it asked for.
   * @throws {ComputeError} The job's own error; `invalid-option` if the queue has no such job, or its results are no
   *   longer kept; `device-lost` if it was lost.
   */
  reattach(key: string): Promise<{ [name: string]: TypedArray }>;
}
