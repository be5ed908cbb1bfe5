import type { RunProfile } from "./run-options.js";

export type RunPhase = Exclude<keyof RunProfile, "totalMs" | "gpuTimeNs">;

/** Attributes the time of one run to its phases: each lap goes from the last one to now. */
export class RunClock {
  readonly #phases: Record<RunPhase, number> = {
    initMs: 0,
    pipelineMs: 0,
    descriptorsMs: 0,
    uploadMs: 0,
    recordingMs: 0,
    computeMs: 0,
    downloadMs: 0,
  };
  readonly #start = performance.now();
  #last = this.#start;

  lap(phase: RunPhase): void {
    const now = performance.now();
    this.#phases[phase] += now - this.#last;
    this.#last = now;
  }

  /** Leaves the time since the last lap out of every phase; it counts to the total alone. */
  skip(): void {
    this.#last = performance.now();
  }

  profile(gpuTimeNs?: number): RunProfile {
    const totalMs = performance.now() - this.#start;
    return { ...this.#phases, totalMs, ...(gpuTimeNs !== undefined && { gpuTimeNs }) };
  }
}
