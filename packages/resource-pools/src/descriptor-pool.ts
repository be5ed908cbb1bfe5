/**
 * Bind groups (Vulkan: descriptor sets), found by what they bind. A bind group is immutable, so equal requests share
 * one.
 *
 * Invariant: the bind groups that exist, in use or idle, never exceed the two bounds, and none in use is evicted. The
 * one exception is a bind group with more entries than `maxDescriptors`: it exists alone.
 */
import type { CacheCounters } from "@kiln-gpu/core";
import { BindGroupIndex, OwnedBindGroup } from "./bind-group-index.js";
import type { BindGroupRequest, PooledBindGroup } from "./pooled-bind-group.js";

/** What of a `GPUDevice` a descriptor pool uses. */
export interface BindGroupDevice {
  createBindGroup(descriptor: GPUBindGroupDescriptor): GPUBindGroup;
}

export interface DescriptorPoolOptions {
  readonly device: BindGroupDevice;
  /**
   * The most bind groups.
   * @default 2048
   */
  readonly maxSets?: number;
  /**
   * The most entries of all bind groups together, unless one alone has more.
   * @default 8192
   */
  readonly maxDescriptors?: number;
}

/** `made` is `live` plus `evicted`, which counts every bind group that was dropped. */
export interface DescriptorPoolStats extends CacheCounters {
  /** Entries of all bind groups that exist. */
  readonly descriptors: number;
  /** Bind groups in use; a shared one counts once. */
  readonly inUse: number;
}

export class DescriptorPool {
  readonly #device: BindGroupDevice;
  readonly #maxSets: number;
  readonly #maxDescriptors: number;
  /** The bind groups that may be lent again. */
  readonly #index = new BindGroupIndex();
  /** How many of them are idle. */
  #idle = 0;
  #uses = 0;
  #inUse = 0;
  #inUseDescriptors = 0;
  #idleDescriptors = 0;
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
   * The bind group for `request`: the one that exists, shared with all who hold it, or a new one. `undefined` if it
   * does not fit beside the bind groups in use, or the pool is disposed.
   * @throws what the device throws; nothing is then in use that was not before.
   */
  tryAcquire(request: BindGroupRequest): PooledBindGroup | undefined {
    if (this.#isDisposed) return undefined;
    const known = this.#index.find(request);
    if (known) {
      this.#reused++;
      if (known.holders++ === 0) {
        this.#idle--;
        this.#idleDescriptors -= known.descriptors;
        this.#use(known);
      }
      return known;
    }
    const { length } = request.entries;
    // A bind group with more entries than the bound needs the pool to itself.
    const room = Math.max(0, this.#maxDescriptors - length);
    if (this.#inUse + 1 > this.#maxSets || this.#inUseDescriptors > room) return undefined;
    while (this.#inUse + this.#idle >= this.#maxSets || this.#inUseDescriptors + this.#idleDescriptors > room) {
      this.#drop(this.#index.leastRecentlyUsed()!);
    }
    const group = new OwnedBindGroup(this.#index, this.#create(request), request);
    this.#made++;
    this.#index.add(group);
    this.#use(group);
    return group;
  }

  /** Ends one use. A shared bind group is released once for each `tryAcquire`. */
  release(set: PooledBindGroup): void {
    const group = set as OwnedBindGroup;
    if (group.index !== this.#index || group.holders === 0) {
      throw new Error("The bind group is not in use: it was released already, or is another pool's.");
    }
    if (--group.holders > 0) return;
    this.#inUse--;
    this.#inUseDescriptors -= group.descriptors;
    if (group.isDropped) {
      this.#evicted++;
    } else {
      this.#idle++;
      this.#idleDescriptors += group.descriptors;
      group.lastUse = ++this.#uses;
    }
  }

  /**
   * Counts one more use of each of `sets`, as acquiring and releasing them would.
   * @returns Whether the pool still has all of them; otherwise nothing is counted.
   */
  reuse(sets: readonly PooledBindGroup[]): boolean {
    for (let i = 0; i < sets.length; i++) if ((sets[i] as OwnedBindGroup).isDropped) return false;
    for (let i = 0; i < sets.length; i++) (sets[i] as OwnedBindGroup).lastUse = ++this.#uses;
    this.#reused += sets.length;
    return true;
  }

  /**
   * Drops every bind group with the buffer of this ID. One in use is not lent again, and goes with its last release.
   */
  dropBuffer(id: number): void {
    for (const group of this.#index.binding(id)) this.#drop(group);
  }

  /** Drops every bind group, as `dropBuffer` does. Also call it when the device may have refused to create one. */
  clear(): void {
    for (const group of this.#index.all()) this.#drop(group);
  }

  /** Drops every bind group and lends none from now on. */
  dispose(): void {
    this.#isDisposed = true;
    this.clear();
  }

  stats(): DescriptorPoolStats {
    return {
      made: this.#made,
      reused: this.#reused,
      live: this.#inUse + this.#idle,
      evicted: this.#evicted,
      descriptors: this.#inUseDescriptors + this.#idleDescriptors,
      inUse: this.#inUse,
    };
  }

  #use(group: OwnedBindGroup): void {
    this.#inUse++;
    this.#inUseDescriptors += group.descriptors;
  }

  #drop(group: OwnedBindGroup): void {
    this.#index.delete(group);
    group.isDropped = true;
    if (group.holders > 0) return;
    this.#idle--;
    this.#idleDescriptors -= group.descriptors;
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
