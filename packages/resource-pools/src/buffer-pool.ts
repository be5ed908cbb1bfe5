/**
 * Lends GPU buffers and keeps those given back. It neither clears nor checks their bytes, and it never takes a buffer from its user.
 * **Invariant:** the bytes of all buffers that exist, in use or kept, never pass the budget.
 */
import { ComputeError, type MemoryCounters } from "@kiln-gpu/core";
import { bufferUsage } from "@kiln-gpu/webgpu";
import { type BufferDevice, createBuffers } from "./create-buffers.js";
import { KeptBuffer, KeptBuffers } from "./kept-buffers.js";
import type { BufferRequest, PooledBuffer } from "./pooled-buffer.js";
import { sizeClassOf } from "./size-class.js";
import { type AcquireOptions, type StallTimeout, WaitQueue } from "./wait-queue.js";

export interface BufferPoolOptions {
  readonly device: BufferDevice;
  /** The most bytes that all buffers together may have. */
  readonly byteBudget: number;
  /** A kept buffer unused for this long is destroyed when next something is released; by default never. */
  readonly maxIdleMs?: number;
  /** How long a request waits while nothing is given back; by default for ever. */
  readonly stallTimeout?: StallTimeout;
  /** Called with each buffer that was lent at some time and now is destroyed; what binds it must go. */
  readonly onDestroy?: (buffer: PooledBuffer) => void;
}

export interface BufferPoolStats extends MemoryCounters {
  readonly inUse: number;
  readonly inUseBytes: number;
  readonly keptBytes: number;
  /** Requests that wait for their turn. */
  readonly waiting: number;
}

interface Reservation {
  /** In order of the request; a gap where none was kept. */
  readonly buffers: (KeptBuffer | undefined)[];
  /** With the bytes of their size class. */
  readonly missing: readonly BufferRequest[];
  readonly missingBytes: number;
}

export class BufferPool {
  readonly #device: BufferDevice;
  readonly #byteBudget: number;
  readonly #maxBufferSize: number;
  readonly #maxIdleMs: number;
  readonly #onDestroy: ((buffer: PooledBuffer) => void) | undefined;
  readonly #queue: WaitQueue;
  readonly #kept = new KeptBuffers();
  #inUse = 0;
  /** Requests whose buffers are being created. */
  #creating = 0;
  /** With what is reserved and still being created. */
  #inUseBytes = 0;
  #nextIdleCheckMs = 0;
  #lastId = 0;
  #made = 0;
  #reused = 0;
  #highWaterBytes = 0;

  constructor(options: BufferPoolOptions) {
    const { device, byteBudget, maxIdleMs = Number.POSITIVE_INFINITY, stallTimeout, onDestroy } = options;
    // What is being created will be in use soon, and come back.
    const stallError = () => (this.#creating > 0 ? undefined : stallTimeout?.stallError());
    this.#queue = new WaitQueue(stallTimeout && { timeoutMs: stallTimeout.timeoutMs, stallError });
    this.#device = device;
    this.#byteBudget = byteBudget;
    this.#maxBufferSize = device.limits.maxBufferSize;
    this.#maxIdleMs = maxIdleMs;
    this.#onDestroy = onDestroy;
  }

  /** `acquireAll` of one. */
  async acquire(request: BufferRequest, options?: AcquireOptions): Promise<PooledBuffer> {
    return (await this.acquireAll([request], options))[0]!;
  }

  /**
   * Resolves with a buffer for each request, in order, once the budget has room for all and those who asked before have theirs; until
   * then it holds none. Buffers have the bytes of their last user, except that `MAP_WRITE` ones are mapped.
   * @throws {ComputeError} `limit-exceeded` at once where the requests can never fit; `out-of-memory`; `aborted`; `disposed`; `device-lost`; the
   *   stall timeout's error.
   */
  async acquireAll(requests: readonly BufferRequest[], { signal }: AcquireOptions = {}): Promise<PooledBuffer[]> {
    const kept = signal?.aborted ? undefined : this.tryAcquireAll(requests);
    if (kept) return kept;
    const specs = this.#specsOf(requests);
    const reservation = await this.#queue.wait(() => this.#reserve(specs), signal);
    const buffers = await this.#fill(reservation);
    if (!signal?.aborted && !this.#queue.isClosed) return buffers;
    this.releaseAll(buffers);
    throw this.#queue.isClosed ? this.#queue.closedError() : this.#queue.abortedError(signal!);
  }

  /** What `acquireAll` would give, if every one is a kept buffer and nobody waits; otherwise `undefined`, and nothing is taken. */
  tryAcquireAll(requests: readonly BufferRequest[]): PooledBuffer[] | undefined {
    if (this.#queue.waiting > 0 || this.#queue.isClosed) return undefined;
    const buffers: KeptBuffer[] = [];
    for (const { byteLength, usage } of requests) {
      const size = sizeClassOf(byteLength, this.#maxBufferSize);
      const buffer = size === undefined ? undefined : this.#kept.take(size, usage);
      if (!buffer) {
        for (let i = buffers.length - 1; i >= 0; i--) this.#kept.undoTake(buffers[i]!);
        return undefined;
      }
      buffers.push(buffer);
    }
    for (const buffer of buffers) {
      this.#lend(buffer);
      this.#inUseBytes += buffer.byteLength;
    }
    this.#reused += buffers.length;
    return buffers;
  }

  /** Gives `buffer` back; one with `MAP_WRITE` is given back mapped and one with `MAP_READ` unmapped, or is destroyed. */
  release(buffer: PooledBuffer): void {
    this.#takeBack(buffer);
    this.#destroyIdle();
    this.#queue.serve();
  }

  /** Gives back in reverse order, so that the same requests get the same buffers in the same order, and their bind groups hold. */
  releaseAll(buffers: readonly PooledBuffer[]): void {
    for (let i = buffers.length - 1; i >= 0; i--) this.#takeBack(buffers[i]!);
    this.#destroyIdle();
    this.#queue.serve();
  }

  /** Gives back a buffer that nobody should get again. */
  discard(buffer: PooledBuffer): void {
    this.#endUse(buffer);
    this.#destroy(buffer);
    this.#queue.serve();
  }

  /** Destroys kept buffers, least recently used first, until at most `maxIdleBytes` are kept. */
  trim(maxIdleBytes = 0): void {
    while (this.#kept.bytes > maxIdleBytes) this.#destroy(this.#kept.takeOldest()!);
    this.#destroyIdle();
  }

  /**
   * Destroys what is kept and rejects who waits; what is in use is destroyed by its release.
   * @param reason Why, for those who wait or come later; by default `disposed`.
   */
  dispose(reason?: ComputeError): void {
    this.#queue.close(reason);
    this.trim();
  }

  stats(): BufferPoolStats {
    return {
      made: this.#made,
      reused: this.#reused,
      live: this.#inUse + this.#kept.count,
      bytes: this.#inUseBytes + this.#kept.bytes,
      highWaterBytes: this.#highWaterBytes,
      inUse: this.#inUse,
      inUseBytes: this.#inUseBytes,
      keptBytes: this.#kept.bytes,
      waiting: this.#queue.waiting,
    };
  }

  #specsOf(requests: readonly BufferRequest[]): BufferRequest[] {
    let bytes = 0;
    const specs = requests.map(({ byteLength, usage }) => {
      const size = sizeClassOf(byteLength, this.#maxBufferSize);
      if (size === undefined) {
        throw new ComputeError(
          "limit-exceeded",
          `A buffer of ${byteLength} bytes is asked for; the device's maxBufferSize is ${this.#maxBufferSize}.`,
        );
      }
      bytes += size;
      return { byteLength: size, usage };
    });
    if (bytes > this.#byteBudget) {
      throw new ComputeError(
        "limit-exceeded",
        `${requests.length} buffers of ${bytes} bytes together are asked for at once; the pool's budget is ${this.#byteBudget} bytes.`,
      );
    }
    return specs;
  }

  /** Takes kept buffers and room for the others, or nothing. Whether there is room depends only on what is in use. */
  #reserve(specs: readonly BufferRequest[]): Reservation | undefined {
    let bytes = 0;
    for (const { byteLength } of specs) bytes += byteLength;
    if (this.#inUseBytes + bytes > this.#byteBudget) return undefined;

    this.#inUseBytes += bytes;
    let missingBytes = 0;
    const missing: BufferRequest[] = [];
    const buffers = specs.map((spec) => {
      const buffer = this.#kept.take(spec.byteLength, spec.usage);
      if (buffer) {
        this.#lend(buffer);
      } else {
        missing.push(spec);
        missingBytes += spec.byteLength;
      }
      return buffer;
    });
    while (this.#inUseBytes + this.#kept.bytes > this.#byteBudget) this.#destroy(this.#kept.takeOldest()!);
    return { buffers, missing, missingBytes };
  }

  async #fill({ buffers, missing, missingBytes }: Reservation): Promise<PooledBuffer[]> {
    const created =
      missing.length === 0
        ? []
        : await this.#create(missing, missingBytes).catch((error: unknown) => {
            this.#inUseBytes -= missingBytes;
            this.releaseAll(buffers.filter((buffer) => buffer !== undefined));
            throw error;
          });
    this.#highWaterBytes = Math.max(this.#highWaterBytes, this.#inUseBytes + this.#kept.bytes);
    this.#made += created.length;
    this.#reused += buffers.length - created.length;
    let next = 0;
    return buffers.map((kept) => {
      if (kept) return kept;
      const spec = missing[next]!;
      const buffer = new KeptBuffer(++this.#lastId, created[next++]!, spec);
      this.#lend(buffer);
      return buffer;
    });
  }

  async #create(specs: readonly BufferRequest[], bytes: number): Promise<readonly GPUBuffer[]> {
    this.#creating += 1;
    try {
      let created = await createBuffers(this.#device, specs);
      if ("outOfMemory" in created) {
        this.trim();
        created = await createBuffers(this.#device, specs);
      }
      if ("buffers" in created) return created.buffers;
      throw new ComputeError(
        "out-of-memory",
        `The device has no memory for ${specs.length} buffers of ${bytes} bytes together; the pool has ${this.#inUseBytes - bytes} bytes in use.`,
        { cause: created.outOfMemory },
      );
    } finally {
      this.#creating -= 1;
    }
  }

  #takeBack(buffer: PooledBuffer): void {
    this.#endUse(buffer);
    if (this.#queue.isClosed || !isReady(buffer)) this.#destroy(buffer);
    else this.#kept.put(buffer as KeptBuffer, this.#nowMs());
  }

  #lend(buffer: KeptBuffer): void {
    buffer.lentBy = this;
    this.#inUse++;
  }

  #endUse(buffer: PooledBuffer): void {
    const lent = buffer as KeptBuffer;
    if (lent.lentBy !== this) {
      throw new Error(`Buffer ${buffer.id} is not in use: it was released before, or belongs to another pool.`);
    }
    lent.lentBy = undefined;
    this.#inUse--;
    this.#inUseBytes -= buffer.byteLength;
  }

  #destroy(buffer: PooledBuffer): void {
    buffer.buffer.destroy();
    this.#onDestroy?.(buffer);
  }

  #destroyIdle(): void {
    const nowMs = this.#nowMs();
    if (nowMs < this.#nextIdleCheckMs) return;
    let oldest = this.#kept.oldest();
    while (oldest && oldest.releasedAtMs + this.#maxIdleMs <= nowMs) {
      this.#destroy(this.#kept.takeOldest()!);
      oldest = this.#kept.oldest();
    }
    // Nothing can be idle for long enough before the oldest is.
    this.#nextIdleCheckMs = (oldest?.releasedAtMs ?? nowMs) + this.#maxIdleMs;
  }

  #nowMs(): number {
    return this.#maxIdleMs === Number.POSITIVE_INFINITY ? 0 : performance.now();
  }
}

/** Whether the next user finds the buffer as it must be; not so after a map that failed or never ended. */
function isReady({ buffer, usage }: PooledBuffer): boolean {
  if (usage & bufferUsage.mapWrite) return buffer.mapState === "mapped";
  if (usage & bufferUsage.mapRead) return buffer.mapState === "unmapped";
  return true;
}
