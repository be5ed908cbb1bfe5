import type { PooledBuffer } from "./pooled-buffer.js";

/** What a pool knows of a buffer that it created. */
export class OwnedBuffer implements PooledBuffer {
  readonly id: number;
  readonly buffer: GPUBuffer;
  readonly byteLength: number;
  readonly usage: number;
  /** The pool that lends it now. */
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
 * The buffers that are not in use: one stack for each size and usage, so that the buffer released last is taken first.
 * The least recently used buffer of all is the bottom of one of the stacks.
 */
export class IdleBuffers {
  /** The key is size and usage in one number; usages are below 0x400. */
  readonly #stacks = new Map<number, OwnedBuffer[]>();
  #releases = 0;
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(buffer: OwnedBuffer, nowMs: number): void {
    buffer.releaseOrder = ++this.#releases;
    buffer.releasedAtMs = nowMs;
    this.#push(buffer);
  }

  take(byteLength: number, usage: number): OwnedBuffer | undefined {
    const buffer = this.#stacks.get(byteLength * 0x400 + usage)?.pop();
    if (buffer) this.#forget(buffer);
    return buffer;
  }

  /** Undoes a `take`, and the buffer keeps its age. Undo several in reverse order. */
  undoTake(buffer: OwnedBuffer): void {
    this.#push(buffer);
  }

  oldest(): OwnedBuffer | undefined {
    let oldest: OwnedBuffer | undefined;
    for (const [bottom] of this.#stacks.values()) {
      if (bottom && (!oldest || bottom.releaseOrder < oldest.releaseOrder)) oldest = bottom;
    }
    return oldest;
  }

  takeOldest(): OwnedBuffer | undefined {
    const oldest = this.oldest();
    if (!oldest) return undefined;
    const key = oldest.byteLength * 0x400 + oldest.usage;
    const stack = this.#stacks.get(key)!;
    stack.shift();
    // Programs use many sizes over time; their empty stacks must not pile up.
    if (stack.length === 0) this.#stacks.delete(key);
    this.#forget(oldest);
    return oldest;
  }

  #push(buffer: OwnedBuffer): void {
    const key = buffer.byteLength * 0x400 + buffer.usage;
    const stack = this.#stacks.get(key);
    if (stack) stack.push(buffer);
    else this.#stacks.set(key, [buffer]);
    this.#count++;
    this.#bytes += buffer.byteLength;
  }

  #forget(buffer: OwnedBuffer): void {
    this.#count--;
    this.#bytes -= buffer.byteLength;
  }
}
