/** What the bench page and its worker tell each other. */
import type { DeviceInfo } from "@kiln-gpu/core";
import type { Sample } from "../../../bench/src/interleave.js";
import type { Section } from "../../../bench/src/section.js";
import type { Step } from "../../../bench/src/suite.js";

/** The suites that need nothing of Node. */
export const suiteNames = ["comparison", "transfer", "throughput", "chain", "compute"] as const;
export type SuiteName = (typeof suiteNames)[number];

export interface RunRequest {
  readonly suite: SuiteName;
  readonly sizes: readonly number[];
  readonly iterations: number;
}

export type ToWorker =
  | { readonly kind: "open" }
  | { readonly kind: "smoke" }
  | ({ readonly kind: "run" } & RunRequest)
  | { readonly kind: "cancel" }
  /** While the page is hidden its timers are slow, and figures would be false. */
  | { readonly kind: "pause"; readonly isPaused: boolean };

export interface Smoke {
  readonly oneShotMs: number;
  readonly warmMs: number;
  readonly samplesMs: readonly number[];
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export type FromWorker =
  | { readonly kind: "device"; readonly device: DeviceInfo; readonly timerStepUs: number }
  | { readonly kind: "smoke"; readonly smoke: Smoke }
  | { readonly kind: "step"; readonly step: Step }
  /** Gathered for a moment, so that the page is not woken for each. */
  | { readonly kind: "samples"; readonly samples: readonly (Sample & { readonly size: number | undefined })[] }
  | { readonly kind: "end"; readonly figures: unknown; readonly sections: readonly Section[] }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly during: "open" | "smoke" | "run"; readonly failure: Failure };
