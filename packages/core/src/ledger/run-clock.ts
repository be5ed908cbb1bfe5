import type { RunProfile } from "../contract/run-options.js";
import type { PhaseSpan, RunPhase } from "../contract/tracer.js";

export const nowUs = () => performance.now() * 1000;

/** Attributes the time of one run, or of one submission, to its phases: each lap goes from the last one to now. */
export class RunClock {
  readonly startUs = nowUs();
  /** In the order in which they ended; a phase may occur more than once. */
  readonly phases: PhaseSpan[] = [];
  #lastUs = this.startUs;

  lap(phase: RunPhase): void {
    const endUs = nowUs();
    this.phases.push({ phase, startUs: this.#lastUs, endUs });
    this.#lastUs = endUs;
  }

  /** Leaves the time since the last lap out of every phase; it counts only towards the total. */
  skip(): void {
    this.#lastUs = nowUs();
  }

  /** The run's phases, together with those of its submission, and its time from the start of this clock to now. */
  profile(submission: readonly PhaseSpan[] = [], gpuTimeNs?: number): RunProfile {
    const us = { init: 0, pipeline: 0, descriptors: 0, upload: 0, recording: 0, compute: 0, download: 0 };
    for (const { phase, startUs, endUs } of [...this.phases, ...submission]) us[phase] += endUs - startUs;
    return {
      initMs: us.init / 1000,
      pipelineMs: us.pipeline / 1000,
      descriptorsMs: us.descriptors / 1000,
      uploadMs: us.upload / 1000,
      recordingMs: us.recording / 1000,
      computeMs: us.compute / 1000,
      downloadMs: us.download / 1000,
      totalMs: (nowUs() - this.startUs) / 1000,
      ...(gpuTimeNs !== undefined && { gpuTimeNs }),
    };
  }
}
