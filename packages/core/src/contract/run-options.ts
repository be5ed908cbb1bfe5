import type { Bindings, Results } from "../bindings/bindings.js";
import { optionNames } from "../bindings/check-options.js";
import type { IndirectSize, Threads, Workgroups } from "../kernel/dispatch-size.js";

export interface PrepareOptions {
  readonly signal?: AbortSignal;
}

export const prepareOptionNames = /* @__PURE__ */ optionNames<PrepareOptions>({ signal: true });

/** @typeParam B The bindings of the run, as `threads` sees them. */
export interface RunOptions<B = Bindings> {
  /**
   * How many workgroups to run, in place of the kernel's own size; for kernels of one pass. A resident array is read on
   * the GPU, as all earlier calls leave it; a count beyond `maxComputeWorkgroupsPerDimension` runs nothing and rejects
   * with `limit-exceeded`.
   */
  readonly workgroups?: Workgroups | IndirectSize;
  /**
   * How many threads to run, rounded up to whole workgroups, in place of the kernel's own size; for kernels of one
   * pass. A resident array is read as for `workgroups`.
   */
  readonly threads?: Threads | IndirectSize | ((bindings: B) => Threads);
  /** Rejects the run with `aborted` when it aborts. What the run held is given back once the GPU is done with it. */
  readonly signal?: AbortSignal;
  /**
   * Rejects the run with `timeout` if it has not settled after this many milliseconds; `Infinity` sets no limit.
   * @default Infinity
   */
  readonly timeoutMs?: number;
  /** Adds `profile` to the results. A profiled run shares its submission with no other. */
  readonly profile?: boolean;
}

export const runOptionNames = /* @__PURE__ */ optionNames<RunOptions>({
  workgroups: true,
  threads: true,
  signal: true,
  timeoutMs: true,
  profile: true,
});

/** Where the time of one run went, by the phases of a Vulkan backend. */
export interface RunProfile {
  /** Opening the adapter and the device; 0 if they were open. */
  readonly initMs: number;
  /** Translating, reflecting and compiling the shader, or finding it in the cache. */
  readonly pipelineMs: number;
  /** Bind groups (Vulkan: descriptor sets). */
  readonly descriptorsMs: number;
  /** Buffers, and the host's copy into them. */
  readonly uploadMs: number;
  readonly recordingMs: number;
  /** From submit until the results can be read, as the host sees it: device copies and kernel. */
  readonly computeMs: number;
  /** The host's copy into the result arrays. */
  readonly downloadMs: number;
  /** The whole run, including the time between the phases. */
  readonly totalMs: number;
  /** The compute passes alone, in nanoseconds, from timestamp queries; absent if the adapter has none. */
  readonly gpuTimeNs?: number;
  /** How long the run waited in a queue of jobs, before a backend had it; absent where there is no queue. */
  readonly queuedMs?: number;
}

/** What a run resolves with: its results, and `profile` if `options` ask for it. */
export type RunResults<B, O> = Results<B> &
  (O extends { readonly profile: true } ? { readonly profile: RunProfile } : unknown);
