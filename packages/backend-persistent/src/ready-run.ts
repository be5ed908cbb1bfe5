import type { Caller, RunClock, RunPlan } from "@kiln-gpu/core";
import type { ArrayUse } from "./array-use.js";
import type { StoredProgram } from "./program-store.js";
import type { TakenMemory } from "./staged-memory.js";

/** A run with its pipelines found, and who waits for it. */
export interface ReadyRun {
  readonly plan: RunPlan;
  /** By dispatch. */
  readonly pipelines: readonly StoredProgram[];
  /** The staged memory that it binds, by resource. */
  readonly taken: TakenMemory | undefined;
  /** The resident arrays that it binds. */
  readonly use: ArrayUse | undefined;
  /** What it records itself, where it is no run of a kernel and has no dispatches. */
  readonly record?: ((encoder: GPUCommandEncoder) => void) | undefined;
  readonly caller: Caller;
  /** Of a profiled run, which is the only one of its batch. */
  readonly clock: RunClock | undefined;
}
