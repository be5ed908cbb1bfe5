/**
 * Maps the staging buffers of a `BufferPool`. A batch acquires them from that pool, with `uploadUsage` and
 * `downloadUsage`, together with its other buffers and under the same budget.
 *
 * Invariant: an idle upload buffer is mapped, an idle download buffer is not.
 */
import { mapMode, unmap } from "@kiln-gpu/webgpu";
import type { BufferPool } from "./buffer-pool.js";
import type { PooledBuffer } from "./pooled-buffer.js";

export class StagingPool {
  readonly #buffers: BufferPool;
  readonly #recycling = new Map<PooledBuffer, Promise<void>>();
  /** Download buffers that are mapped or being mapped; there are few. */
  readonly #mapped: PooledBuffer[] = [];
  #mapsEnded = false;

  constructor(buffers: BufferPool) {
    this.#buffers = buffers;
  }

  /**
   * Gives an upload buffer back after its copy was submitted. The buffer is mapped again first, which waits for the
   * copy, and is in use until then. If the map fails, or after `endMaps`, it is destroyed.
   */
  recycleUpload(buffer: PooledBuffer): void {
    if (this.#recycling.has(buffer)) throw new Error(`Buffer ${buffer.id} is being recycled already.`);
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
   * Maps download buffers for reading, which waits for the work submitted before. The caller still holds them, and
   * unmaps them.
   * @param byteLengths For each buffer, the number of bytes to map from its start; a multiple of 4.
   * @throws what `mapAsync` throws, most often because the device is lost.
   */
  map(buffers: readonly PooledBuffer[], byteLengths: readonly number[]): Promise<unknown> {
    const map = (i: number) => {
      this.#mapped.push(buffers[i]!);
      return buffers[i]!.buffer.mapAsync(mapMode.read, 0, byteLengths[i]!);
    };
    return buffers.length === 1 ? map(0) : Promise.all(buffers.map((_, i) => map(i)));
  }

  /** The mapped memory of each buffer; it is detached by `unmap`. */
  mapped(buffers: readonly PooledBuffer[], byteLengths: readonly number[]): ArrayBuffer[] {
    return buffers.map(({ buffer }, i) => buffer.getMappedRange(0, byteLengths[i]!));
  }

  /** Unmaps `buffers`, and ends maps that are still pending. */
  unmap(buffers: readonly PooledBuffer[]): void {
    for (const pooled of buffers) {
      const at = this.#mapped.indexOf(pooled);
      if (at >= 0) {
        this.#mapped[at] = this.#mapped.at(-1)!;
        this.#mapped.pop();
      }
      if (pooled.buffer.mapState !== "unmapped") unmap(pooled.buffer);
    }
  }

  /** Ends pending maps and starts no new ones for uploads. Call it when the device may never answer. */
  endMaps(): void {
    this.#mapsEnded = true;
    for (const { buffer } of [...this.#recycling.keys(), ...this.#mapped]) {
      if (buffer.mapState === "pending") unmap(buffer);
    }
  }

  /** Whether any upload buffer is being recycled. */
  get isRecycling(): boolean {
    return this.#recycling.size > 0;
  }

  /** Resolves when no upload buffer is being recycled. */
  async settled(): Promise<void> {
    while (this.#recycling.size > 0) await Promise.all(this.#recycling.values());
  }
}
