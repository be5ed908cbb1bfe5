/**
 * The host's way in and out of GPU memory, over a `BufferPool`: staging is reserved there together with everything else a batch needs,
 * as `{ byteLength, usage: uploadUsage }` and `downloadUsage`, and is held to the same budget. This class adds the maps.
 * **Invariant:** a kept upload buffer is mapped, a kept download buffer is not.
 */
import { mapMode } from "@kiln-gpu/webgpu";
import type { BufferPool } from "./buffer-pool.js";
import type { PooledBuffer } from "./pooled-buffer.js";

export class StagingPool {
  readonly #buffers: BufferPool;
  readonly #recycling = new Map<PooledBuffer, Promise<void>>();
  /** Downloads whose map is pending or stands; a few. */
  readonly #mapped: PooledBuffer[] = [];
  #mapsEnded = false;

  constructor(buffers: BufferPool) {
    this.#buffers = buffers;
  }

  /**
   * Gives an upload buffer back after its copy was submitted: it is mapped again first, which waits for the copy, and counts as in use
   * until then. Where the map fails, or after `endMaps`, the buffer is destroyed.
   */
  recycleUpload(buffer: PooledBuffer): void {
    if (this.#recycling.has(buffer)) throw new Error(`Buffer ${buffer.id} is recycled already.`);
    if (this.#mapsEnded) {
      this.#buffers.discard(buffer);
      return;
    }
    const mapped = () => {
      this.#recycling.delete(buffer);
      this.#buffers.release(buffer);
    };
    const failed = () => {
      this.#recycling.delete(buffer);
      this.#buffers.discard(buffer);
    };
    this.#recycling.set(buffer, buffer.buffer.mapAsync(mapMode.write).then(mapped, failed));
  }

  /**
   * Maps download buffers for reading, which waits for what was submitted; the caller still holds them, and unmaps them.
   * @param byteLengths Of each buffer, how many of its first bytes; multiples of 4.
   * @throws what `mapAsync` throws, most often because the device is lost.
   */
  map(buffers: readonly PooledBuffer[], byteLengths: readonly number[]): Promise<unknown> {
    const map = (i: number) => {
      this.#mapped.push(buffers[i]!);
      return buffers[i]!.buffer.mapAsync(mapMode.read, 0, byteLengths[i]!);
    };
    return buffers.length === 1 ? map(0) : Promise.all(buffers.map((_, i) => map(i)));
  }

  /** The memory of each of `buffers` that was mapped, until `unmap`. */
  mapped(buffers: readonly PooledBuffer[], byteLengths: readonly number[]): ArrayBuffer[] {
    return buffers.map(({ buffer }, i) => buffer.getMappedRange(0, byteLengths[i]!));
  }

  /** Ends every map of `buffers`, also one that is still pending. */
  unmap(buffers: readonly PooledBuffer[]): void {
    for (const pooled of buffers) {
      const at = this.#mapped.indexOf(pooled);
      if (at >= 0) {
        this.#mapped[at] = this.#mapped.at(-1)!;
        this.#mapped.pop();
      }
      if (pooled.buffer.mapState !== "unmapped") pooled.buffer.unmap();
    }
  }

  /** Ends every map that waits for the device, and maps no upload any more: a device that may never answer would never end that. */
  endMaps(): void {
    this.#mapsEnded = true;
    for (const { buffer } of [...this.#recycling.keys(), ...this.#mapped]) {
      if (buffer.mapState === "pending") buffer.unmap();
    }
  }

  /** Whether any upload buffer is on its way back. */
  get isRecycling(): boolean {
    return this.#recycling.size > 0;
  }

  /** Resolves once no upload buffer is on its way back. */
  async settled(): Promise<void> {
    while (this.#recycling.size > 0) await Promise.all(this.#recycling.values());
  }
}
