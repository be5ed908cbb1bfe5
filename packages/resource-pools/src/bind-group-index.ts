import type { BindGroupRequest, PooledBindGroup } from "./pooled-bind-group.js";

/** What a pool knows of a bind group that it created. */
export class OwnedBindGroup implements PooledBindGroup {
  readonly bindGroup: GPUBindGroup;
  readonly layoutId: number;
  /** Four numbers for each entry: binding, buffer ID, offset, size. Numbers keep no buffer alive. */
  readonly key: readonly number[];
  readonly hash: number;
  readonly index: BindGroupIndex;
  /** Acquisitions that are not released yet. */
  holders = 1;
  /** Its last use, in the order of all uses. */
  lastUse = 0;
  /** Whether it must not be lent again. */
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

/** Finds bind groups by what they bind. It is asked for every dispatch, so it hashes numbers and builds no string. */
export class BindGroupIndex {
  readonly #byHash = new Map<number, OwnedBindGroup[]>();

  find(request: BindGroupRequest): OwnedBindGroup | undefined {
    const candidates = this.#byHash.get(hashOf(request));
    if (candidates) for (const group of candidates) if (group.isFor(request)) return group;
    return undefined;
  }

  add(group: OwnedBindGroup): void {
    const candidates = this.#byHash.get(group.hash);
    if (candidates) candidates.push(group);
    else this.#byHash.set(group.hash, [group]);
  }

  delete(group: OwnedBindGroup): void {
    const others = this.#byHash.get(group.hash)?.filter((other) => other !== group) ?? [];
    if (others.length > 0) this.#byHash.set(group.hash, others);
    else this.#byHash.delete(group.hash);
  }

  /**
   * The least recently used bind group without holders. Looking at all of them costs less than the bind group to be
   * made.
   */
  leastRecentlyUsed(): OwnedBindGroup | undefined {
    let oldest: OwnedBindGroup | undefined;
    for (const groups of this.#byHash.values()) {
      for (const group of groups) {
        if (group.holders === 0 && (!oldest || group.lastUse < oldest.lastUse)) oldest = group;
      }
    }
    return oldest;
  }

  all(): OwnedBindGroup[] {
    return [...this.#byHash.values()].flat();
  }

  binding(bufferId: number): OwnedBindGroup[] {
    const found: OwnedBindGroup[] = [];
    for (const groups of this.#byHash.values())
      for (const group of groups) if (group.binds(bufferId)) found.push(group);
    return found;
  }
}

/**
 * FNV-1a over 32-bit words, cut to 30 bits, which every engine keeps as a small integer. The comparison sees more than
 * 32 bits of a number.
 */
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
  // FNV carries only upwards, but offsets and sizes differ in their high bits.
  return mixed ^ (mixed >>> 15);
}
