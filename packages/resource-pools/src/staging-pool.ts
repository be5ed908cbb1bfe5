/**
 * The host's way in and out of GPU memory, over a `BufferPool`: staging is reserved there together with everything else a batch needs,
 * as `{ byteLength, usage: uploadUsage }` and `downloadUsage`, and is held to the same budget. This class adds the maps.
 * **Invariant:** a kept upload buffer is mapped, a kept download buffer is not.
 */
import type { BufferPool } from "./buffer-pool.js";
import { mapMode } from "./buffer-usage.js";
import type { PooledBuffer } from "./pooled-buffer.js";

export class StagingPool {
  readonly #buffers: BufferPool;
  readonly #recycling = new Map<PooledBuffer, Promise<void>>();

  constructor(buffers: BufferPool) {
    this.#buffers = buffers;
  }

  /**
   * Gives an upload buffer back after its copy was submitted: it is mapped again first, which waits for the copy, and counts as in use
   * until then. Where the map fails the buffer is destroyed.
   */
  recycleUpload(buffer: PooledBuffer): void {
    if (this.#recycling.has(buffer)) throw new Error(`Buffer ${buffer.id} is recycled already.`);
    const recycled = this.#recycle(buffer).finally(() => this.#recycling.delete(buffer));
    this.#recycling.set(buffer, recycled);
  }

  /**
   * Waits for what was submitted, and maps download buffers for reading; the caller still holds them, and unmaps them.
   * @param byteLengths Of each buffer, how many of its first bytes; multiples of 4.
   * @returns The memory of each, until `unmap`.
   * @throws what `mapAsync` throws, most often because the device is lost.
   */
  async map(buffers: readonly PooledBuffer[], byteLengths: readonly number[]): Promise<ArrayBuffer[]> {
    await Promise.all(buffers.map(({ buffer }, i) => buffer.mapAsync(mapMode.read, 0, byteLengths[i]!)));
    return buffers.map(({ buffer }, i) => buffer.getMappedRange(0, byteLengths[i]!));
  }

  /** Ends every map of `buffers`, also one that is still pending. */
  unmap(buffers: readonly PooledBuffer[]): void {
    for (const { buffer } of buffers) {
      if (buffer.mapState !== "unmapped") buffer.unmap();
    }
  }

  /** Resolves once no upload buffer is on its way back. */
  async settled(): Promise<void> {
    while (this.#recycling.size > 0) await Promise.all(this.#recycling.values());
  }

  async #recycle(buffer: PooledBuffer): Promise<void> {
    try {
      await buffer.buffer.mapAsync(mapMode.write);
    } catch {
      this.#buffers.discard(buffer);
      return;
    }
    this.#buffers.release(buffer);
  }
}
