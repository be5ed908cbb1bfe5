import type { Caller, RunClock, RunPlan } from "@kiln-gpu/core";
import type { StoredProgram } from "./program-store.js";
import type { TakenMemory } from "./staged-memory.js";

/** A run with its pipelines found, and who waits for it. */
export interface ReadyRun {
  readonly plan: RunPlan;
  /** By dispatch. */
  readonly pipelines: readonly StoredProgram[];
  /** The staged memory that it binds, by resource. */
  readonly taken: TakenMemory | undefined;
  readonly caller: Caller;
  /** Of a profiled run, which is the only one of its batch. */
  readonly clock: RunClock | undefined;
}
