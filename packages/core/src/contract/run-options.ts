import type { Bindings, Results } from "../bindings/bindings.js";
import type { Threads, Workgroups } from "../kernel/dispatch-size.js";

export interface PrepareOptions {
  readonly signal?: AbortSignal;
}

export interface RunOptions {
  /** How many workgroups to run, in place of what the kernel says; for kernels of one pass. */
  readonly workgroups?: Workgroups;
  /** How many threads to run, rounded up to whole workgroups, in place of what the kernel says; for kernels of one pass. */
  readonly threads?: Threads | ((bindings: Bindings) => Threads);
  /** Rejects the run with `aborted`; what the run held is returned once the GPU is done with it. */
  readonly signal?: AbortSignal;
  /** Rejects the run with `timeout` when it has not settled after this many milliseconds; `Infinity`, the default, sets no limit. */
  readonly timeoutMs?: number;
  /** Adds `profile` to the results. A profiled run shares its submission with no other. */
  readonly profile?: boolean;
}

/** Where the time of one run went; the phases are those of a Vulkan backend's time tree. */
export interface RunProfile {
  /** Adapter and device; 0 where they were there already. */
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
  /** The whole run, with what lies between the phases. */
  readonly totalMs: number;
  /** The compute passes alone, in nanoseconds, from timestamp queries; absent where the adapter has none. */
  readonly gpuTimeNs?: number;
}

/** What a run resolves with: its results, and `profile` where `options` asked for it. */
export type RunResults<B, O> = Results<B> &
  (O extends { readonly profile: true } ? { readonly profile: RunProfile } : unknown);
