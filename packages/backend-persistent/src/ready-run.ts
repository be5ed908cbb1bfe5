import type { RunClock, RunPlan } from "@kiln-gpu/core";
import type { StoredProgram } from "./program-store.js";

/** A run with its pipelines found. */
export interface ReadyRun {
  readonly plan: RunPlan;
  /** By dispatch. */
  readonly pipelines: readonly StoredProgram[];
  /** Of a profiled run, which is the only one of its batch. */
  readonly clock: RunClock | undefined;
}
