import type { PooledBuffer } from "./pooled-buffer.js";

/** A pooled buffer with its place in the order of releases. */
export class KeptBuffer implements PooledBuffer {
  readonly id: number;
  readonly buffer: GPUBuffer;
  readonly byteLength: number;
  readonly usage: number;
  /** The pool that lent it and has not had it back. */
  lentBy: object | undefined;
  releaseOrder = 0;
  releasedAtMs = 0;

  constructor(id: number, buffer: GPUBuffer, { byteLength, usage }: { byteLength: number; usage: number }) {
    this.id = id;
    this.buffer = buffer;
    this.byteLength = byteLength;
    this.usage = usage;
  }
}

/**
 * The buffers that are in nobody's use: a stack for each size and usage, so the last released is the first taken, while the least
 * recently used of all is the bottom of some stack.
 */
export class KeptBuffers {
  /** By size and usage in one number; usages are below 0x400. */
  readonly #stacks = new Map<number, KeptBuffer[]>();
  #releases = 0;
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(buffer: KeptBuffer, nowMs: number): void {
    buffer.releaseOrder = ++this.#releases;
    buffer.releasedAtMs = nowMs;
    this.#push(buffer);
  }

  take(byteLength: number, usage: number): KeptBuffer | undefined {
    const buffer = this.#stacks.get(byteLength * 0x400 + usage)?.pop();
    if (buffer) this.#forget(buffer);
    return buffer;
  }

  /** Undoes a `take`: the buffer keeps its age. Several are undone last taken first. */
  undoTake(buffer: KeptBuffer): void {
    this.#push(buffer);
  }

  oldest(): KeptBuffer | undefined {
    let oldest: KeptBuffer | undefined;
    for (const [bottom] of this.#stacks.values()) {
      if (bottom && (!oldest || bottom.releaseOrder < oldest.releaseOrder)) oldest = bottom;
    }
    return oldest;
  }

  takeOldest(): KeptBuffer | undefined {
    const oldest = this.oldest();
    if (!oldest) return undefined;
    const key = oldest.byteLength * 0x400 + oldest.usage;
    const stack = this.#stacks.get(key)!;
    stack.shift();
    // Sizes come and go; their empty stacks should not stay.
    if (stack.length === 0) this.#stacks.delete(key);
    this.#forget(oldest);
    return oldest;
  }

  #push(buffer: KeptBuffer): void {
    const key = buffer.byteLength * 0x400 + buffer.usage;
    const stack = this.#stacks.get(key);
    if (stack) stack.push(buffer);
    else this.#stacks.set(key, [buffer]);
    this.#count++;
    this.#bytes += buffer.byteLength;
  }

  #forget(buffer: KeptBuffer): void {
    this.#count--;
    this.#bytes -= buffer.byteLength;
  }
}
