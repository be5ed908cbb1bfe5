import { type EncodableDispatch, inErrorScope } from "@kiln-gpu/webgpu";
import { isEach } from "./is-each.js";

/** The staging of a batch; its other memory is bound by its dispatches. */
interface StagingMemory {
  readonly uploads: readonly unknown[];
  readonly staged: readonly unknown[];
  readonly downloads: readonly unknown[];
}

/** The commands of all batches with the same dispatches, layout and staging. */
export class RepeatedCommands {
  readonly #memory: StagingMemory;
  #batches = 0;
  #recorded: GPUCommandBuffer | undefined;

  constructor(memory: StagingMemory) {
    this.#memory = memory;
  }

  matches({ uploads, staged, downloads }: StagingMemory): boolean {
    const memory = this.#memory;
    return isEach(memory.uploads, uploads) && isEach(memory.staged, staged) && isEach(memory.downloads, downloads);
  }

  /**
   * What was recorded ahead for the next of the batches, if anything was; once, because WebGPU takes a command buffer a
   * single time.
   */
  take(): GPUCommandBuffer | undefined {
    const recorded = this.#recorded;
    this.#recorded = undefined;
    this.#batches += 1;
    return recorded;
  }

  /**
   * Records what the next of the batches takes, unless there was only one of them yet. What goes wrong with it concerns
   * no run: it is used once the device has found it valid, and a batch that finds nothing records for itself.
   */
  recordAhead(device: GPUDevice, record: () => GPUCommandBuffer): void {
    if (this.#batches < 2) return;
    try {
      const { value, failure } = inErrorScope(device, "validation", record);
      failure.then((refusal) => {
        if (!refusal) this.#recorded = value;
      }, ignore);
    } catch {
      // The next batch records for itself.
    }
  }
}

function ignore(): void {}

/**
 * Commands that are recorded before they are needed: a loop that repeats its runs needs the ones that it has just
 * submitted again, and to record them while the device works takes that time off the next run.
 *
 * Invariant: commands are only submitted by a batch for which the very same would be recorded.
 */
export class CommandsAhead {
  readonly #maxMemories: number;
  /** The last used first. */
  #repeated: RepeatedCommands[] = [];

  /** @param maxMemories For how many different staging buffers of a batch commands are kept. */
  constructor(maxMemories: number) {
    this.#maxMemories = maxMemories;
  }

  /**
   * Those of a batch with these `dispatches`; `undefined` for dispatches with immediates, which are recorded with their
   * values. A batch in which a run records commands of its own, as to read or write an array, has a template that no
   * other batch has, so its commands are taken by none.
   */
  find(dispatches: readonly EncodableDispatch[], memory: StagingMemory): RepeatedCommands | undefined {
    const [first] = this.#repeated;
    if (first?.matches(memory)) return first;
    for (let i = 0; i < dispatches.length; i += 1) if (dispatches[i]!.immediates) return undefined;
    const found = this.#repeated.find((commands) => commands.matches(memory)) ?? new RepeatedCommands(memory);
    const others = this.#repeated.filter((commands) => commands !== found);
    this.#repeated = [found, ...others.slice(0, this.#maxMemories - 1)];
    return found;
  }
}
