import { type EncodableDispatch, inErrorScope } from "@kiln-gpu/webgpu";
import { isEach } from "./is-each.js";

/** The staging buffers of a batch. Its dispatches bind all of its other memory. */
interface StagingMemory {
  readonly uploads: readonly unknown[];
  readonly staged: readonly unknown[];
  readonly downloads: readonly unknown[];
}

/** The commands that all batches with the same dispatches, layout and staging share. */
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
   * Returns the commands that were recorded ahead, if there are any. They are returned once, because a command buffer
   * can be submitted once.
   */
  take(): GPUCommandBuffer | undefined {
    const recorded = this.#recorded;
    this.#recorded = undefined;
    this.#batches += 1;
    return recorded;
  }

  /**
   * Records the commands of the next batch, unless this was the first one. A failure here affects no run: the commands
   * are used only after the device has found them valid, and a batch that finds none records its own.
   */
  recordAhead(device: GPUDevice, record: () => GPUCommandBuffer): void {
    if (this.#batches < 2) return;
    try {
      const { value, failure } = inErrorScope(device, "validation", record);
      failure.then((refusal) => {
        if (!refusal) this.#recorded = value;
      }, ignore);
    } catch {
      // The next batch records its own.
    }
  }
}

function ignore(): void {}

/**
 * Commands that are recorded before they are needed. A loop that repeats its runs will need the same commands again, so
 * recording them while the device works saves that time in the next run.
 *
 * Invariant: a batch submits commands only if it would record exactly the same.
 */
export class CommandsAhead {
  readonly #maxMemories: number;
  /** The last used first. */
  #repeated: RepeatedCommands[] = [];

  /** @param maxMemories For how many different sets of staging buffers commands are kept. */
  constructor(maxMemories: number) {
    this.#maxMemories = maxMemories;
  }

  /**
   * Finds the commands of a batch with these `dispatches` and `memory`. Returns `undefined` for dispatches with
   * immediates, whose values are recorded with them. A batch with an access to arrays, which records commands of its
   * own, has a template that no other batch has, so no batch can find its commands.
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
