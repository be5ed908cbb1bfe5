/**
 * Submission slots: how many batches may be in flight on the one queue, and what each keeps between batches. A command buffer itself is
 * single-use on WebGPU, so there is none here (Vulkan: a pool of command buffers that are reset).
 */
import type { ResourceCounters } from "@kiln-gpu/core";

export interface CommandPoolOptions<T> {
  /** How many batches may be in flight; 3 by default. */
  readonly maxSlots?: number;
  /** Makes what a slot holds, when the slot is first needed. */
  readonly create?: (index: number) => T;
  readonly destroy?: (contents: T) => void;
}

export interface CommandSlot<T> {
  /** From 0; below the pool's number of slots. */
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
      throw new Error(`Slot ${slot.index} is not in use: it was released before, or belongs to another pool.`);
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
