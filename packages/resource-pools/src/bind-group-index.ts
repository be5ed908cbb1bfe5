import type { BindGroupRequest, PooledBindGroup } from "./pooled-bind-group.js";

/** A bind group with what it binds, and who holds it. */
export class KeptBindGroup implements PooledBindGroup {
  readonly bindGroup: GPUBindGroup;
  readonly layoutId: number;
  /** For each entry: binding, buffer id, offset, size. Numbers only, so that it keeps no buffer from being collected. */
  readonly key: readonly number[];
  readonly hash: number;
  readonly index: BindGroupIndex;
  /** How many acquired it and have not released it. */
  holders = 1;
  /** In the order of the uses of all. */
  lastUse = 0;
  /** Whether it may be given out again. */
  isDropped = false;

  constructor(index: BindGroupIndex, bindGroup: GPUBindGroup, request: BindGroupRequest) {
    this.index = index;
    this.bindGroup = bindGroup;
    this.layoutId = request.layoutId;
    this.key = request.entries.flatMap(({ binding, buffer, offset, size }) => [binding, buffer.id, offset, size]);
    this.hash = hashOf(request);
  }

  get descriptors(): number {
    return this.key.length / 4;
  }

  isFor({ layoutId, entries }: BindGroupRequest): boolean {
    const { key } = this;
    if (this.layoutId !== layoutId || key.length !== entries.length * 4) return false;
    for (let i = 0; i < entries.length; i++) {
      const { binding, buffer, offset, size } = entries[i]!;
      const at = i * 4;
      if (key[at] !== binding || key[at + 1] !== buffer.id || key[at + 2] !== offset || key[at + 3] !== size)
        return false;
    }
    return true;
  }

  binds(bufferId: number): boolean {
    for (let at = 1; at < this.key.length; at += 4) if (this.key[at] === bufferId) return true;
    return false;
  }
}

/** Finds bind groups by what they bind. It is asked once a dispatch, so it hashes numbers and builds no string. */
export class BindGroupIndex {
  readonly #byHash = new Map<number, KeptBindGroup[]>();

  find(request: BindGroupRequest): KeptBindGroup | undefined {
    const candidates = this.#byHash.get(hashOf(request));
    if (candidates) for (const group of candidates) if (group.isFor(request)) return group;
    return undefined;
  }

  add(group: KeptBindGroup): void {
    const candidates = this.#byHash.get(group.hash);
    if (candidates) candidates.push(group);
    else this.#byHash.set(group.hash, [group]);
  }

  delete(group: KeptBindGroup): void {
    const others = this.#byHash.get(group.hash)?.filter((other) => other !== group) ?? [];
    if (others.length > 0) this.#byHash.set(group.hash, others);
    else this.#byHash.delete(group.hash);
  }

  /** Of those that nobody holds. Evicting is rare, and making a bind group dearer than to look at all. */
  leastRecentlyUsed(): KeptBindGroup | undefined {
    let oldest: KeptBindGroup | undefined;
    for (const groups of this.#byHash.values()) {
      for (const group of groups) {
        if (group.holders === 0 && (!oldest || group.lastUse < oldest.lastUse)) oldest = group;
      }
    }
    return oldest;
  }

  all(): KeptBindGroup[] {
    return [...this.#byHash.values()].flat();
  }

  binding(bufferId: number): KeptBindGroup[] {
    const found: KeptBindGroup[] = [];
    for (const groups of this.#byHash.values())
      for (const group of groups) if (group.binds(bufferId)) found.push(group);
    return found;
  }
}

/** FNV-1a by words, 30 bits so that every engine keeps it as a small integer; offsets and sizes above 4 GiB lose their high bits here, not in the comparison. */
function hashOf({ layoutId, entries }: BindGroupRequest): number {
  let hash = mix(0x811c9dc5, layoutId);
  for (let i = 0; i < entries.length; i++) {
    const { binding, buffer, offset, size } = entries[i]!;
    hash = mix(mix(mix(mix(hash, binding), buffer.id), offset), size);
  }
  return hash & 0x3fffffff;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x01000193);
  // FNV carries only upwards; offsets and sizes differ in their high bits.
  return mixed ^ (mixed >>> 15);
}
