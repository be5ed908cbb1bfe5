/**
 * Bind groups (Vulkan: descriptor sets), kept by what they bind. They are immutable, so all who ask for the same one at once share it.
 * **Invariant:** sets and descriptors that exist, in use or kept, never pass the two bounds, but for a single set with more entries than the
 * pool holds, beside which there is no other; one in use is never evicted.
 */
import type { CacheCounters } from "@kiln-gpu/core";
import { BindGroupIndex, KeptBindGroup } from "./bind-group-index.js";
import type { BindGroupRequest, PooledBindGroup } from "./pooled-bind-group.js";

/** What of a `GPUDevice` a descriptor pool uses. */
export interface BindGroupDevice {
  createBindGroup(descriptor: GPUBindGroupDescriptor): GPUBindGroup;
}

export interface DescriptorPoolOptions {
  readonly device: BindGroupDevice;
  /** The most bind groups that exist at a time; 2048 by default. */
  readonly maxSets?: number;
  /** The most entries that all bind groups together have, unless one alone has more; 8192 by default. */
  readonly maxDescriptors?: number;
}

/** `made` is `live` plus `evicted`, which counts all that were dropped. */
export interface DescriptorPoolStats extends CacheCounters {
  /** Entries of all that exist. */
  readonly descriptors: number;
  /** Bind groups that someone holds; one that is shared counts once. */
  readonly inUse: number;
}

export class DescriptorPool {
  readonly #device: BindGroupDevice;
  readonly #maxSets: number;
  readonly #maxDescriptors: number;
  /** What may be given out again. */
  readonly #index = new BindGroupIndex();
  /** Of those, how many nobody holds. */
  #free = 0;
  #uses = 0;
  #inUse = 0;
  #inUseDescriptors = 0;
  #freeDescriptors = 0;
  #made = 0;
  #reused = 0;
  #evicted = 0;
  #isDisposed = false;

  constructor({ device, maxSets = 2048, maxDescriptors = 8192 }: DescriptorPoolOptions) {
    this.#device = device;
    this.#maxSets = maxSets;
    this.#maxDescriptors = maxDescriptors;
  }

  /**
   * The bind group for `request`: the one that exists, shared with all who hold it, or a new one. `undefined` if it does not fit beside the bind
   * groups in use, or the pool is disposed.
   * @throws what the device throws; nothing is then in use that was not before.
   */
  tryAcquire(request: BindGroupRequest): PooledBindGroup | undefined {
    if (this.#isDisposed) return undefined;
    const known = this.#index.find(request);
    if (known) {
      this.#reused++;
      if (known.holders++ === 0) {
        this.#free--;
        this.#freeDescriptors -= known.descriptors;
        this.#use(known);
      }
      return known;
    }
    const { length } = request.entries;
    // One that never fits is alone.
    const room = Math.max(0, this.#maxDescriptors - length);
    if (this.#inUse + 1 > this.#maxSets || this.#inUseDescriptors > room) return undefined;
    while (this.#inUse + this.#free >= this.#maxSets || this.#inUseDescriptors + this.#freeDescriptors > room) {
      this.#drop(this.#index.leastRecentlyUsed()!);
    }
    const group = new KeptBindGroup(this.#index, this.#create(request), request);
    this.#made++;
    this.#index.add(group);
    this.#use(group);
    return group;
  }

  /** Gives back once; a shared bind group is given back by each who acquired it. */
  release(set: PooledBindGroup): void {
    const group = set as KeptBindGroup;
    if (group.index !== this.#index || group.holders === 0) {
      throw new Error("The bind group is not in use: it was released before, or belongs to another pool.");
    }
    if (--group.holders > 0) return;
    this.#inUse--;
    this.#inUseDescriptors -= group.descriptors;
    if (group.isDropped) {
      this.#evicted++;
    } else {
      this.#free++;
      this.#freeDescriptors += group.descriptors;
      group.lastUse = ++this.#uses;
    }
  }

  /**
   * Counts one more use of each of `sets`, as acquiring and releasing them would.
   * @returns Whether all of them are still kept; where one is not, nothing is counted.
   */
  reuse(sets: readonly PooledBindGroup[]): boolean {
    for (let i = 0; i < sets.length; i++) if ((sets[i] as KeptBindGroup).isDropped) return false;
    for (let i = 0; i < sets.length; i++) (sets[i] as KeptBindGroup).lastUse = ++this.#uses;
    this.#reused += sets.length;
    return true;
  }

  /** Forgets every bind group that binds the buffer of this id; those in use once they are released. */
  dropBuffer(id: number): void {
    for (const group of this.#index.binding(id)) this.#drop(group);
  }

  /** Forgets everything, as `dropBuffer` does; to be called too where a bind group may have been created wrongly. */
  clear(): void {
    for (const group of this.#index.all()) this.#drop(group);
  }

  /** Forgets everything, and gives out nothing more. */
  dispose(): void {
    this.#isDisposed = true;
    this.clear();
  }

  stats(): DescriptorPoolStats {
    return {
      made: this.#made,
      reused: this.#reused,
      live: this.#inUse + this.#free,
      evicted: this.#evicted,
      descriptors: this.#inUseDescriptors + this.#freeDescriptors,
      inUse: this.#inUse,
    };
  }

  #use(group: KeptBindGroup): void {
    this.#inUse++;
    this.#inUseDescriptors += group.descriptors;
  }

  #drop(group: KeptBindGroup): void {
    this.#index.delete(group);
    group.isDropped = true;
    if (group.holders > 0) return;
    this.#free--;
    this.#freeDescriptors -= group.descriptors;
    this.#evicted++;
  }

  #create({ layout, entries }: BindGroupRequest): GPUBindGroup {
    return this.#device.createBindGroup({
      layout,
      entries: entries.map(({ binding, buffer: { buffer }, offset, size }) => ({
        binding,
        resource: { buffer, offset, size },
      })),
    });
  }
}
