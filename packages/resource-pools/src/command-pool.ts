/**
 * Submission slots: they limit the batches in flight, and each keeps contents from batch to batch. WebGPU submits a
 * command buffer once, so the pool holds none (Vulkan's command pools hold command buffers that are reset).
 */
import type { ResourceCounters } from "@kiln-gpu/core";

export interface CommandPoolOptions<T> {
  /**
   * The most batches in flight.
   * @default 3
   */
  readonly maxSlots?: number;
  /** Makes the contents of a slot when it is first needed. */
  readonly create?: (index: number) => T;
  readonly destroy?: (contents: T) => void;
}

export interface CommandSlot<T> {
  /** From 0 to `maxSlots - 1`. */
  readonly index: number;
  readonly contents: T;
}

export interface CommandPoolStats extends ResourceCounters {
  readonly inUse: number;
}

export class CommandPool<T = undefined> {
  readonly #maxSlots: number;
  readonly #create: (index: number) => T;
  readonly #destroy: ((contents: T) => void) | undefined;
  readonly #free: CommandSlot<T>[] = [];
  readonly #inUse = new Set<CommandSlot<T>>();
  #whenIdle: (() => void)[] = [];
  #made = 0;
  #reused = 0;
  #isDisposed = false;

  constructor({ maxSlots = 3, create = () => undefined as T, destroy }: CommandPoolOptions<T> = {}) {
    this.#maxSlots = maxSlots;
    this.#create = create;
    this.#destroy = destroy;
  }

  /**
   * A slot, or `undefined` if all are in use or the pool is disposed.
   * @throws what `create` throws; the slot is then not made.
   */
  tryAcquire(): CommandSlot<T> | undefined {
    if (this.#isDisposed) return undefined;
    let slot = this.#free.pop();
    if (slot) {
      this.#reused++;
    } else {
      if (this.#inUse.size === this.#maxSlots) return undefined;
      slot = { index: this.#made, contents: this.#create(this.#made) };
      this.#made++;
    }
    this.#inUse.add(slot);
    return slot;
  }

  release(slot: CommandSlot<T>): void {
    if (!this.#inUse.delete(slot)) {
      throw new Error(`Slot ${slot.index} is not in use: it was released already, or is another pool's.`);
    }
    if (this.#isDisposed) this.#destroy?.(slot.contents);
    else this.#free.push(slot);
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when no slot is in use. */
  async idle(): Promise<void> {
    // Every release wakes this, and the slot may be taken again by then.
    while (this.#inUse.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Destroys the free slots; a slot in use is destroyed by its release. */
  dispose(): void {
    this.#isDisposed = true;
    for (const { contents } of this.#free.splice(0)) this.#destroy?.(contents);
  }

  stats(): CommandPoolStats {
    return {
      made: this.#made,
      reused: this.#reused,
      live: this.#inUse.size + this.#free.length,
      inUse: this.#inUse.size,
    };
  }
}
