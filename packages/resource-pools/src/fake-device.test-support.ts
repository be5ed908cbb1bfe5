/**
 * A device for the pools' own tests. It counts what exists, follows WebGPU's rules about maps and error scopes, and
 * fails when told to. It holds no bytes and runs nothing; the conformance suite uses real devices.
 */
import type { BufferDevice } from "./create-buffers.js";
import type { BindGroupDevice } from "./descriptor-pool.js";

export type Fault = "out-of-memory" | "range-error" | "validation" | "type-error";

export class FakeDevice implements BufferDevice, BindGroupDevice {
  readonly limits: { readonly maxBufferSize: number };
  /** One fault for each creation to come; `undefined` lets one succeed. */
  readonly faults: (Fault | undefined)[] = [];
  /** Creations beyond this run out of memory. */
  memoryBytes = Number.POSITIVE_INFINITY;
  isLost = false;
  /** Whether popped error scopes wait for `answer`. */
  holdsAnswers = false;
  created = 0;
  highWaterBytes = 0;
  readonly bindGroups: GPUBindGroupDescriptor[] = [];
  readonly #live = new Set<FakeBuffer>();
  readonly #scopes: { readonly filter: GPUErrorFilter; error: GPUError | null }[] = [];
  readonly #maps: { readonly resolve: () => void; readonly reject: (reason: unknown) => void }[] = [];
  readonly #answers: (() => void)[] = [];

  constructor({ maxBufferSize = 1 << 20 } = {}) {
    this.limits = { maxBufferSize };
  }

  get live(): number {
    return this.#live.size;
  }

  get liveBytes(): number {
    let bytes = 0;
    for (const { size } of this.#live) bytes += size;
    return bytes;
  }

  get openScopes(): number {
    return this.#scopes.length;
  }

  /** Whether a popped error scope waits for `answer`. */
  get isAsked(): boolean {
    return this.#answers.length > 0;
  }

  createBuffer({ size, usage, mappedAtCreation = false }: GPUBufferDescriptor): GPUBuffer {
    const fault = this.faults.shift();
    if (fault === "range-error") throw new RangeError("createBuffer failed, size is too large");
    if (fault === "type-error") throw new TypeError("createBuffer was called wrongly");
    const hasNoMemory = fault === "out-of-memory" || this.liveBytes + size > this.memoryBytes;
    if (hasNoMemory) this.#report("out-of-memory", "no memory");
    if (fault === "validation" || size > this.limits.maxBufferSize) this.#report("validation", "not valid");
    const buffer = new FakeBuffer(size, usage, mappedAtCreation ? "mapped" : "unmapped", {
      onDestroy: () => this.#live.delete(buffer),
      whenDone: () => (this.isLost ? Promise.reject(new DOMException("", "AbortError")) : this.#whenDone()),
    });
    if (!hasNoMemory) this.#live.add(buffer);
    this.created++;
    this.highWaterBytes = Math.max(this.highWaterBytes, this.liveBytes);
    return buffer;
  }

  pushErrorScope(filter: GPUErrorFilter): void {
    this.#scopes.push({ filter, error: null });
  }

  popErrorScope(): Promise<GPUError | null> {
    const scope = this.#scopes.pop();
    if (!scope || this.isLost) return Promise.reject(new DOMException("", "OperationError"));
    return new Promise((resolve, reject) => {
      const answer = () => {
        if (this.isLost) reject(new DOMException("", "OperationError"));
        else resolve(scope.error);
      };
      if (this.holdsAnswers) this.#answers.push(answer);
      else queueMicrotask(answer);
    });
  }

  createBindGroup(descriptor: GPUBindGroupDescriptor): GPUBindGroup {
    if (this.faults.shift()) throw new TypeError("createBindGroup was called wrongly");
    this.bindGroups.push(descriptor);
    return { label: "", __brand: "GPUBindGroup" } as GPUBindGroup;
  }

  /** Finishes the work that pending maps wait for. */
  finishWork(): void {
    for (const { resolve } of this.#maps.splice(0)) resolve();
  }

  /** Answers the error scopes that wait. */
  answer(): void {
    for (const answer of this.#answers.splice(0)) answer();
  }

  /** Loses the device: pending and later promises reject. */
  lose(): void {
    this.isLost = true;
    for (const { reject } of this.#maps.splice(0)) reject(new DOMException("", "AbortError"));
    this.answer();
  }

  #whenDone(): Promise<void> {
    return new Promise((resolve, reject) => this.#maps.push({ resolve, reject }));
  }

  #report(filter: GPUErrorFilter, message: string): void {
    const scope = this.#scopes.findLast((candidate) => candidate.filter === filter);
    if (!scope) throw new Error(`An error that no scope catches: ${message}`);
    scope.error ??= { message };
  }
}

class FakeBuffer implements GPUBuffer {
  readonly __brand = "GPUBuffer";
  readonly size: number;
  readonly usage: number;
  label = "";
  mapState: GPUBufferMapState;
  readonly #device: { readonly onDestroy: () => void; readonly whenDone: () => Promise<void> };
  #isDestroyed = false;

  constructor(
    size: number,
    usage: number,
    mapState: GPUBufferMapState,
    device: { onDestroy: () => void; whenDone: () => Promise<void> },
  ) {
    this.size = size;
    this.usage = usage;
    this.mapState = mapState;
    this.#device = device;
  }

  destroy(): undefined {
    if (this.#isDestroyed) throw new Error("A buffer is destroyed twice.");
    this.#isDestroyed = true;
    this.mapState = "unmapped";
    this.#device.onDestroy();
  }

  getMappedRange(offset = 0, size = this.size - offset): ArrayBuffer {
    if (this.mapState !== "mapped") throw new DOMException("The buffer is not mapped.", "OperationError");
    return new ArrayBuffer(size);
  }

  async mapAsync(): Promise<undefined> {
    if (this.mapState !== "unmapped" || this.#isDestroyed) throw new DOMException("", "OperationError");
    this.mapState = "pending";
    try {
      await this.#device.whenDone();
    } catch (error) {
      this.mapState = "unmapped";
      throw error;
    }
    if (this.mapState !== "pending") throw new DOMException("", "AbortError");
    this.mapState = "mapped";
  }

  unmap(): undefined {
    this.mapState = "unmapped";
  }
}

/**
 * Lets everything settle that can settle by itself: the fake device answers in microtasks, which end before the next
 * task.
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The outcome of a promise so far, for tests of waits. */
export function watch<T>(promise: Promise<T>): { value: T | undefined; error: unknown; isSettled: boolean } {
  const outcome: { value: T | undefined; error: unknown; isSettled: boolean } = {
    value: undefined,
    error: undefined,
    isSettled: false,
  };
  promise.then(
    (value) => Object.assign(outcome, { value, isSettled: true }),
    (error: unknown) => Object.assign(outcome, { error, isSettled: true }),
  );
  return outcome;
}
