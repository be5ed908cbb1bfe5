import { type EncodableDispatch, inErrorScope } from "@kiln-gpu/webgpu";
import type { BatchMemory } from "./batch-memory.js";
import { isEach } from "./is-each.js";
import type { BatchPlaces } from "./place-batch.js";

/** The commands of all batches with the same dispatches, places and memory. */
export class RepeatedCommands {
  readonly #places: BatchPlaces;
  readonly #memory: BatchMemory;
  #batches = 0;
  #recorded: GPUCommandBuffer | undefined;

  constructor(places: BatchPlaces, memory: BatchMemory) {
    this.#places = places;
    this.#memory = memory;
  }

  matches(places: BatchPlaces, { uploads, staged, downloads }: BatchMemory): boolean {
    const memory = this.#memory;
    return (
      this.#places === places &&
      isEach(memory.uploads, uploads) &&
      isEach(memory.staged, staged) &&
      isEach(memory.downloads, downloads)
    );
  }

  /** For the next of the batches: what was recorded ahead for it, if anything was; once, for WebGPU takes a command buffer a single time. */
  take(): GPUCommandBuffer | undefined {
    const recorded = this.#recorded;
    this.#recorded = undefined;
    this.#batches += 1;
    return recorded;
  }

  /**
   * Records what the next of the batches takes, unless there was only one of them yet. Whatever goes wrong with it concerns no run: it is kept when the
   * device has found it valid, and a batch that finds nothing records for itself.
   */
  recordAhead(device: GPUDevice, record: () => GPUCommandBuffer): void {
    if (this.#batches < 2) return;
    try {
      const { value, failure } = inErrorScope(device, "validation", record);
      failure.then((refusal) => {
        if (!refusal) this.#recorded = value;
      }, ignore);
    } catch {
      // Nothing is kept.
    }
  }
}

function ignore(): void {}

/**
 * Commands that are recorded before they are needed: a loop that repeats its runs needs those that it has just submitted again, and to record
 * them while the device works takes that time off the next run.
 *
 * Invariant: commands are only submitted by a batch for which the very same would be recorded.
 */
export class CommandsAhead {
  /** By the dispatches, which are the same as long as their bind groups, and with them the memory that these bind. The last used comes first. */
  readonly #repeated = new WeakMap<readonly EncodableDispatch[], RepeatedCommands[]>();
  readonly #maxMemories: number;

  /** @param maxMemories For how many different staging buffers of a batch its commands are kept. */
  constructor(maxMemories: number) {
    this.#maxMemories = maxMemories;
  }

  /**
   * Those of a batch; `undefined` for dispatches with immediates, which are recorded with their values. A batch in which a run records something itself,
   * as to read or write an array, has places that no other batch has, and so commands that none takes.
   */
  find(
    dispatches: readonly EncodableDispatch[],
    places: BatchPlaces,
    memory: BatchMemory,
  ): RepeatedCommands | undefined {
    const known = this.#repeated.get(dispatches);
    if (known?.[0]?.matches(places, memory)) return known[0];
    for (let i = 0; i < dispatches.length; i += 1) if (dispatches[i]!.immediates) return undefined;
    const found = known?.find((commands) => commands.matches(places, memory)) ?? new RepeatedCommands(places, memory);
    const others = known?.filter((commands) => commands !== found) ?? [];
    this.#repeated.set(dispatches, [found, ...others.slice(0, this.#maxMemories - 1)]);
    return found;
  }
}
