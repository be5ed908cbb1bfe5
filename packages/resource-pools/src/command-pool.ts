/**
 * Submission slots: how many batches may be in flight on the one queue, and what each keeps between batches. A command buffer itself is
 * single-use on WebGPU, so there is none here (Vulkan: a pool of command buffers that are reset).
 */
import type { ResourceCounters } from "@kiln-gpu/core";
import { type AcquireOptions, Turns } from "./turns.js";

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
  readonly waiting: number;
}

export class CommandPool<T = undefined> {
  readonly #maxSlots: number;
  readonly #create: (index: number) => T;
  readonly #destroy: ((contents: T) => void) | undefined;
  readonly #turns = new Turns("The command pool");
  readonly #free: CommandSlot<T>[] = [];
  readonly #inUse = new Set<CommandSlot<T>>();
  #whenIdle: (() => void)[] = [];
  #made = 0;
  #reused = 0;

  constructor({ maxSlots = 3, create = () => undefined as T, destroy }: CommandPoolOptions<T> = {}) {
    this.#maxSlots = maxSlots;
    this.#create = create;
    this.#destroy = destroy;
  }

  /** A slot, if one is free and nobody waits. */
  tryAcquire(): CommandSlot<T> | undefined {
    return this.#turns.waiting > 0 || this.#turns.isClosed ? undefined : this.#take();
  }

  /**
   * Resolves with a slot once one is free and those who asked before have theirs.
   * @throws {ComputeError} `aborted`; `disposed`; and what `create` throws.
   */
  acquire({ signal }: AcquireOptions = {}): Promise<CommandSlot<T>> {
    return this.#turns.take(() => this.#take(), signal);
  }

  release(slot: CommandSlot<T>): void {
    if (!this.#inUse.delete(slot)) {
      throw new Error(`Slot ${slot.index} is not in use: it was released before, or belongs to another pool.`);
    }
    if (this.#turns.isClosed) this.#destroy?.(slot.contents);
    else this.#free.push(slot);
    this.#turns.serve();
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when no slot is in use. */
  async idle(): Promise<void> {
    // Who waits is told of every release, and may find the slot taken again.
    while (this.#inUse.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Destroys the free slots and rejects who waits; a slot in use is destroyed by its release. */
  dispose(): void {
    this.#turns.close();
    for (const { contents } of this.#free.splice(0)) this.#destroy?.(contents);
  }

  stats(): CommandPoolStats {
    return {
      made: this.#made,
      reused: this.#reused,
      live: this.#inUse.size + this.#free.length,
      inUse: this.#inUse.size,
      waiting: this.#turns.waiting,
    };
  }

  #take(): CommandSlot<T> | undefined {
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
}
