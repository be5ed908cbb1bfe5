import type { EncodableDispatch } from "@kiln-gpu/webgpu";
import type { BatchPlaces } from "./place-batch.js";
import type { ReadyRun } from "./ready-run.js";
import type { BatchMemory } from "./transfer.js";

/** A batch that was submitted, and the commands for another one like it. */
export class RepeatedBatch {
  readonly #places: BatchPlaces;
  readonly #memory: BatchMemory;
  #commands: GPUCommandBuffer | undefined;

  constructor(places: BatchPlaces, memory: BatchMemory) {
    this.#places = places;
    this.#memory = memory;
  }

  isLike(places: BatchPlaces, { uploads, staged, downloads }: BatchMemory): boolean {
    const memory = this.#memory;
    return (
      this.#places === places &&
      isEach(memory.uploads, uploads) &&
      isEach(memory.staged, staged) &&
      isEach(memory.downloads, downloads)
    );
  }

  keep(commands: GPUCommandBuffer): void {
    this.#commands = commands;
  }

  /** What was kept; once, for WebGPU takes a command buffer a single time. */
  take(): GPUCommandBuffer | undefined {
    const commands = this.#commands;
    this.#commands = undefined;
    return commands;
  }
}

/** As many as there may be batches of one kind in flight, each with memory of its own, and one more. */
const maxRepeated = 4;

/**
 * Command buffers that are recorded before they are needed: a loop that repeats its runs needs the one that it has just submitted again,
 * and to record it while the device works takes that time off the next run.
 *
 * Invariant: commands are only submitted by a batch for which the very same would be recorded.
 */
export class CommandsAhead {
  /** By the dispatches, which are the same as long as their bind groups, and with them the memory that these bind. */
  #repeated = new WeakMap<readonly EncodableDispatch[], RepeatedBatch[]>();

  /** The batch that this one repeats; none where it has a part of its own, or memory that no batch before it had. */
  find(
    runs: readonly ReadyRun[],
    dispatches: readonly EncodableDispatch[],
    places: BatchPlaces,
    memory: BatchMemory,
  ): RepeatedBatch | undefined {
    if (!isRepeatable(runs, dispatches)) return undefined;
    const others = this.#repeated.get(dispatches) ?? [];
    for (const repeated of others) if (repeated.isLike(places, memory)) return repeated;
    this.#repeated.set(dispatches, [new RepeatedBatch(places, memory), ...others.slice(0, maxRepeated - 1)]);
    return undefined;
  }

  /** To be called where what was recorded may be invalid. */
  clear(): void {
    this.#repeated = new WeakMap();
  }
}

/** Not so with what a run records itself, nor with values that are recorded. */
function isRepeatable(runs: readonly ReadyRun[], dispatches: readonly EncodableDispatch[]): boolean {
  for (let i = 0; i < runs.length; i += 1) if (runs[i]!.plan.dispatches.length === 0) return false;
  for (let i = 0; i < dispatches.length; i += 1) if (dispatches[i]!.immediates) return false;
  return true;
}

export function isEach(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
