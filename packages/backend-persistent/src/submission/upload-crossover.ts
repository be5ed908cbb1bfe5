import { isComputeError } from "@kiln-gpu/core";
import { type BufferPool, type PooledBuffer, type StagingPool, uploadUsage } from "@kiln-gpu/resource-pools";
import type { Store } from "@kiln-gpu/store";
import type { OpenDevice } from "@kiln-gpu/webgpu";
import { deviceUsage } from "../memory/device-usage.js";

/** What is measured, in bytes; below the first the queue is quicker everywhere, above the last staging is. */
const sizes = [32, 64, 128, 256, 512].map((kibibytes) => kibibytes * 2 ** 10);
const smallest = 16 * 2 ** 10;
const largest = sizes.at(-1)!;
const rounds = 9;
/** The queue's path takes less of the host's work, and no staging buffer: it may be this much slower. */
const tolerance = 1.1;

export interface CrossoverParts {
  readonly open: OpenDevice;
  readonly buffers: BufferPool;
  readonly staging: StagingPool;
  readonly store: Store;
}

/**
 * Up to how many bytes an upload is quicker through `queue.writeBuffer` than through mapped staging: measured on the
 * device when an upload first depends on it, or read from the store.
 */
export class UploadCrossover {
  readonly #parts: CrossoverParts;
  #byteLength: number = 64 * 2 ** 10;
  #isKnown = false;
  #isStoreRead = false;
  #knowing: Promise<void> | undefined;

  constructor(parts: CrossoverParts) {
    this.#parts = parts;
  }

  /** The most that any device's may be. */
  static readonly largest = largest;

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Whether memory is held for a measurement. */
  get isMeasuring(): boolean {
    return this.#knowing !== undefined;
  }

  /** Whether an upload of so many bytes would be brought another way if more were known. */
  decides(byteLength: number): boolean {
    return !this.#isKnown && byteLength > smallest && byteLength <= largest;
  }

  /**
   * Never rejects: where nothing can be measured, the figure of another device stays, or where there is no memory now,
   * for now.
   */
  know(): Promise<void> {
    this.#knowing ??= this.#find()
      .then(
        (byteLength) => {
          this.#byteLength = byteLength;
          this.#isKnown = true;
        },
        (error: unknown) => {
          this.#isKnown = !isComputeError(error, "aborted");
        },
      )
      .finally(() => {
        this.#knowing = undefined;
      });
    return this.#knowing;
  }

  async #find(): Promise<number> {
    const { store, open } = this.#parts;
    const { info } = open;
    const key = ["2", info.name, info.vendor, info.architecture];
    const kept = this.#isStoreRead ? undefined : await store.read("upload-crossover", key);
    this.#isStoreRead = true;
    if (typeof kept === "number" && (kept === smallest || sizes.includes(kept))) return kept;
    const measured = await this.#measure();
    await store.write("upload-crossover", key, measured);
    return measured;
  }

  async #measure(): Promise<number> {
    const { open, buffers, staging } = this.#parts;
    const noRoom = new AbortController();
    const requests = [
      { byteLength: largest, usage: deviceUsage },
      { byteLength: largest, usage: uploadUsage },
    ];
    const acquiring = buffers.acquireAll(requests, { signal: noRoom.signal });
    // The run that asks needs less, and must not wait for this.
    if (buffers.stats().waiting > 0) noRoom.abort();
    const lent = await acquiring;
    const [target, source] = lent as [PooledBuffer, PooledBuffer];
    let forget: (() => void) | undefined;
    // A device that is set aside answers nothing any more.
    const lost = new Promise<never>((_, reject) => {
      forget = open.onLoss(reject);
    });
    try {
      return await Promise.race([this.#compare(target.buffer, source.buffer), lost]);
    } finally {
      forget?.();
      buffers.release(target);
      if (source.buffer.mapState === "mapped") buffers.release(source);
      else staging.recycleUpload(source);
    }
  }

  async #compare(target: GPUBuffer, source: GPUBuffer): Promise<number> {
    const data = new Uint8Array(largest).fill(1);
    let crossover = smallest;
    for (const size of sizes) {
      const queued: number[] = [];
      const staged: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        queued.push(await this.#timeQueued(target, data.subarray(0, size)));
        staged.push(await this.#timeStaged(target, source, data.subarray(0, size)));
      }
      if (medianOf(queued) > medianOf(staged) * tolerance) break;
      crossover = size;
    }
    return crossover;
  }

  async #timeQueued(target: GPUBuffer, data: Uint8Array<ArrayBuffer>): Promise<number> {
    const { queue } = this.#parts.open.device;
    const start = performance.now();
    queue.writeBuffer(target, 0, data);
    queue.submit([]);
    await queue.onSubmittedWorkDone();
    return performance.now() - start;
  }

  async #timeStaged(target: GPUBuffer, source: GPUBuffer, data: Uint8Array): Promise<number> {
    const { device } = this.#parts.open;
    const start = performance.now();
    new Uint8Array(source.getMappedRange(0, data.length)).set(data);
    source.unmap();
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, target, 0, data.length);
    device.queue.submit([encoder.finish()]);
    // As a run asks for it: at once, beside its results.
    await Promise.all([device.queue.onSubmittedWorkDone(), source.mapAsync(2)]);
    return performance.now() - start;
  }
}

function medianOf(samples: number[]): number {
  return samples.sort((a, b) => a - b)[samples.length >> 1]!;
}
