import type { Caller, RunClock, RunPlan } from "@kiln-gpu/core";
import type { BufferRequest, PooledBuffer } from "@kiln-gpu/resource-pools";
import type { EncodableDispatch } from "@kiln-gpu/webgpu";
import type { ArrayUse } from "../memory/array-use.js";
import type { TakenMemory } from "../memory/staged-memory.js";
import type { StoredProgram } from "../programs/program-store.js";
import type { BatchPlaces } from "./place-batch.js";

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
  readonly record: ((encoder: GPUCommandEncoder) => void) | undefined;
  /** What was made for it when it was recorded, of a replay: the only one of its batch. */
  readonly recorded: RecordedBatch | undefined;
  readonly caller: Caller;
  /** The call that asked for it, where it is to be told of: a lease may be dropped. */
  readonly call: Error | undefined;
  /** Of a profiled run, which is the only one of its batch. */
  readonly clock: RunClock | undefined;
}

/** What replays of a sequence share, made once; only their staging is acquired for each. */
export interface RecordedBatch {
  readonly places: BatchPlaces;
  /** The sequence's own, then those of resident arrays. */
  readonly regions: readonly PooledBuffer[];
  /** Of uploads, then of downloads. */
  readonly staging: readonly BufferRequest[];
  readonly dispatches: readonly EncodableDispatch[];
}
