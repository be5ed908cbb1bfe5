/**
 * Lends GPU buffers and keeps released ones for later. It neither clears nor checks their bytes, and never takes a
 * buffer from its user.
 *
 * Invariant: all buffers that exist, in use or idle, together never exceed the byte budget.
 */
import { ComputeError, type MemoryCounters } from "@kiln-gpu/core";
import { bufferUsage } from "@kiln-gpu/webgpu";
import { type BufferDevice, createBuffers } from "./create-buffers.js";
import { IdleBuffers, OwnedBuffer } from "./idle-buffers.js";
import type { BufferRequest, PooledBuffer } from "./pooled-buffer.js";
import { sizeClassOf } from "./size-class.js";
import { type AcquireOptions, type StallTimeout, WaitQueue } from "./wait-queue.js";

export interface BufferPoolOptions {
  readonly device: BufferDevice;
  /** The most bytes of all buffers together. */
  readonly byteBudget: number;
  /**
   * A buffer that is idle for this long is destroyed at the next release.
   * @default Infinity
   */
  readonly maxIdleMs?: number;
  /** How long a request waits while nothing is released; by default for ever. */
  readonly stallTimeout?: StallTimeout;
  /** Called with each destroyed buffer that was ever lent, and each dismissed one: bind groups with it must go. */
  readonly onDestroy?: (buffer: PooledBuffer) => void;
}

export interface BufferPoolStats extends MemoryCounters {
  readonly inUse: number;
  readonly inUseBytes: number;
  readonly idleBytes: number;
  /** Requests that wait for room. */
  readonly waiting: number;
}

interface Reservation {
  /** In the order of the requests; `undefined` where no idle buffer fitted. */
  readonly buffers: (OwnedBuffer | undefined)[];
  /** The requests to create buffers for, with the byte lengths of their size classes. */
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
  readonly #idle = new IdleBuffers();
  /** All buffers that have an ID here: those that the pool has created, and those that are adopted. */
  readonly #known = new WeakSet<GPUBuffer>();
  #inUse = 0;
  /** Calls of `acquireAll` whose buffers are being created. */
  #creating = 0;
  /** Includes buffers that are still being created. */
  #inUseBytes = 0;
  #nextIdleCheckMs = 0;
  #lastId = 0;
  #made = 0;
  #reused = 0;
  #highWaterBytes = 0;

  constructor(options: BufferPoolOptions) {
    const { device, byteBudget, maxIdleMs = Number.POSITIVE_INFINITY, stallTimeout, onDestroy } = options;
    // A buffer that is being created will be lent, and released in the end.
    const stallError = () => (this.#creating > 0 ? undefined : stallTimeout?.stallError());
    this.#queue = new WaitQueue(stallTimeout && { timeoutMs: stallTimeout.timeoutMs, stallError });
    this.#device = device;
    this.#byteBudget = byteBudget;
    this.#maxBufferSize = device.limits.maxBufferSize;
    this.#maxIdleMs = maxIdleMs;
    this.#onDestroy = onDestroy;
  }

  /** `acquireAll` for one buffer. */
  async acquire(request: BufferRequest, options?: AcquireOptions): Promise<PooledBuffer> {
    return (await this.acquireAll([request], options))[0]!;
  }

  /**
   * Resolves with a buffer for each request, in order, once the budget has room for all of them and earlier calls are
   * served; until then it holds none. A buffer has the bytes of its last user. One with `MAP_WRITE` is mapped.
   * @throws {ComputeError} `limit-exceeded` at once if the requests can never fit; `out-of-memory`; `aborted`;
   *   `disposed`; `device-lost`; the error of the stall timeout.
   */
  async acquireAll(requests: readonly BufferRequest[], { signal }: AcquireOptions = {}): Promise<PooledBuffer[]> {
    const idle = signal?.aborted ? undefined : this.tryAcquireAll(requests);
    if (idle) return idle;
    const specs = this.#specsOf(requests);
    const reservation = await this.#queue.wait(() => this.#reserve(specs), signal);
    const buffers = await this.#fill(reservation);
    if (!signal?.aborted && !this.#queue.isClosed) return buffers;
    this.releaseAll(buffers);
    throw this.#queue.isClosed ? this.#queue.closedError() : this.#queue.abortedError(signal!);
  }

  /**
   * What `acquireAll` would give, if idle buffers serve all requests and no call waits; otherwise `undefined`, and
   * nothing is taken.
   */
  tryAcquireAll(requests: readonly BufferRequest[]): PooledBuffer[] | undefined {
    if (this.#queue.waiting > 0 || this.#queue.isClosed) return undefined;
    const buffers: OwnedBuffer[] = [];
    for (const { byteLength, usage } of requests) {
      const size = sizeClassOf(byteLength, this.#maxBufferSize);
      const buffer = size === undefined ? undefined : this.#idle.take(size, usage);
      if (!buffer) {
        for (let i = buffers.length - 1; i >= 0; i--) this.#idle.undoTake(buffers[i]!);
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

  /**
   * Gives `buffer` back. One with `MAP_WRITE` that is not mapped, or with `MAP_READ` that is not unmapped, is
   * destroyed.
   */
  release(buffer: PooledBuffer): void {
    this.#takeBack(buffer);
    this.#destroyIdle();
    this.#queue.serve();
  }

  /**
   * Releases in reverse order, so that the same requests get the same buffers again, and their bind groups still fit.
   */
  releaseAll(buffers: readonly PooledBuffer[]): void {
    for (let i = buffers.length - 1; i >= 0; i--) this.#takeBack(buffers[i]!);
    this.#destroyIdle();
    this.#queue.serve();
  }

  /** Gives back a buffer that must not be lent again. */
  discard(buffer: PooledBuffer): void {
    this.#endUse(buffer);
    this.#destroy(buffer);
    this.#queue.serve();
  }

  /**
   * Gives a buffer that the pool did not create an ID, by which its bind groups are found. The pool never lends or
   * destroys it, and counts it nowhere.
   * @returns `undefined` if it has one already.
   */
  adopt(buffer: GPUBuffer): PooledBuffer | undefined {
    if (this.#known.has(buffer)) return undefined;
    this.#known.add(buffer);
    return new OwnedBuffer(++this.#lastId, buffer, { byteLength: buffer.size, usage: buffer.usage });
  }

  /** Ends an adoption. Call it once. */
  dismiss(adopted: PooledBuffer): void {
    this.#known.delete(adopted.buffer);
    this.#onDestroy?.(adopted);
  }

  /** Destroys idle buffers, least recently used first, until they have at most `maxIdleBytes`. */
  trim(maxIdleBytes = 0): void {
    while (this.#idle.bytes > maxIdleBytes) this.#destroy(this.#idle.takeOldest()!);
    this.#destroyIdle();
  }

  /**
   * Destroys idle buffers and rejects waiting calls; a buffer in use is destroyed by its release.
   * @param reason The error for waiting and later calls; by default `disposed`.
   */
  dispose(reason?: ComputeError): void {
    this.#queue.close(reason);
    this.trim();
  }

  stats(): BufferPoolStats {
    return {
      made: this.#made,
      reused: this.#reused,
      live: this.#inUse + this.#idle.count,
      bytes: this.#inUseBytes + this.#idle.bytes,
      highWaterBytes: this.#highWaterBytes,
      inUse: this.#inUse,
      inUseBytes: this.#inUseBytes,
      idleBytes: this.#idle.bytes,
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
          `A buffer of ${byteLength} bytes is too large: the device's maxBufferSize is ${this.#maxBufferSize}.`,
        );
      }
      bytes += size;
      return { byteLength: size, usage };
    });
    if (bytes > this.#byteBudget) {
      throw new ComputeError(
        "limit-exceeded",
        `The memory budget has no room for ${nounOf(requests, bytes)}: byteBudget is ${this.#byteBudget} bytes.`,
      );
    }
    return specs;
  }

  /** Takes idle buffers and room for the others, or nothing. Only buffers in use limit the room: idle ones make way. */
  #reserve(specs: readonly BufferRequest[]): Reservation | undefined {
    let bytes = 0;
    for (const { byteLength } of specs) bytes += byteLength;
    if (this.#inUseBytes + bytes > this.#byteBudget) return undefined;

    this.#inUseBytes += bytes;
    let missingBytes = 0;
    const missing: BufferRequest[] = [];
    const buffers = specs.map((spec) => {
      const buffer = this.#idle.take(spec.byteLength, spec.usage);
      if (buffer) {
        this.#lend(buffer);
      } else {
        missing.push(spec);
        missingBytes += spec.byteLength;
      }
      return buffer;
    });
    while (this.#inUseBytes + this.#idle.bytes > this.#byteBudget) this.#destroy(this.#idle.takeOldest()!);
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
    this.#highWaterBytes = Math.max(this.#highWaterBytes, this.#inUseBytes + this.#idle.bytes);
    this.#made += created.length;
    this.#reused += buffers.length - created.length;
    let next = 0;
    return buffers.map((idle) => {
      if (idle) return idle;
      const spec = missing[next]!;
      const buffer = new OwnedBuffer(++this.#lastId, created[next++]!, spec);
      this.#known.add(buffer.buffer);
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
      const usedBytes = this.#inUseBytes - bytes;
      throw new ComputeError(
        "out-of-memory",
        `The device has no memory for ${nounOf(specs, bytes)}; the pool has ${usedBytes} bytes in use.`,
        { cause: created.outOfMemory },
      );
    } finally {
      this.#creating -= 1;
    }
  }

  #takeBack(buffer: PooledBuffer): void {
    this.#endUse(buffer);
    if (this.#queue.isClosed || !isReady(buffer)) this.#destroy(buffer);
    else this.#idle.put(buffer as OwnedBuffer, this.#nowMs());
  }

  #lend(buffer: OwnedBuffer): void {
    buffer.lentBy = this;
    this.#inUse++;
  }

  #endUse(buffer: PooledBuffer): void {
    const lent = buffer as OwnedBuffer;
    if (lent.lentBy !== this) {
      throw new Error(`Buffer ${buffer.id} is not in use: it was released already, or is another pool's.`);
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
    let oldest = this.#idle.oldest();
    while (oldest && oldest.releasedAtMs + this.#maxIdleMs <= nowMs) {
      this.#destroy(this.#idle.takeOldest()!);
      oldest = this.#idle.oldest();
    }
    // No buffer reaches its idle time before the oldest one does.
    this.#nextIdleCheckMs = (oldest?.releasedAtMs ?? nowMs) + this.#maxIdleMs;
  }

  #nowMs(): number {
    return this.#maxIdleMs === Number.POSITIVE_INFINITY ? 0 : performance.now();
  }
}

/**
 * Whether the buffer is in the map state that its next user expects. After a map that failed or never ended it is not.
 */
function isReady({ buffer, usage }: PooledBuffer): boolean {
  if (usage & bufferUsage.mapWrite) return buffer.mapState === "mapped";
  if (usage & bufferUsage.mapRead) return buffer.mapState === "unmapped";
  return true;
}

function nounOf({ length }: readonly BufferRequest[], bytes: number): string {
  return length === 1 ? `a buffer of ${bytes} bytes` : `${length} buffers of ${bytes} bytes together`;
}
