/**
 * Puts a persistent backend on trial. Each operation is started and recorded; once all have settled, each is checked in
 * call order against the outcomes that the model allows.
 */
import { openPersistentBackend, type PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import { type ComputeErrorCode, isComputeError, type Lease, type Output, type Sequence } from "@kiln-gpu/core";
import { expectNothingLive, expectSame, LosableDevices, poisonedMemory } from "@kiln-gpu/test-support";
import { expect } from "vitest";
import { ArrayWorlds, type Change, type HeldArray } from "./array-worlds.js";

export interface TrialSettings {
  readonly mode: "throughput" | "latency";
  readonly lossRetries: number;
  readonly byteBudget: number;
  readonly maxSubmissions: number;
  readonly maxIdleMs: number;
  readonly isPoisoned: boolean;
  /** The length of every resident array. */
  readonly length: number;
}

/** One call of the backend and its allowed outcomes. */
export interface Operation<T = unknown> {
  readonly what: string;
  /** Called immediately. */
  readonly work: () => Promise<T>;
  /** The resident arrays that the call reads or writes. */
  readonly arrays?: readonly HeldArray[] | undefined;
  /** How many device losses it survives, because everything that it needs is on the host. */
  readonly retries?: number;
  /** How many losses were known when its device resources were created. A later loss rejects it. */
  readonly losses?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** The error that it must reject with. */
  readonly refusal?: ComputeErrorCode | undefined;
  /** Its effect on the arrays, and what its result says about them. */
  readonly change?: ((value: T) => Change) | undefined;
  readonly check?: ((value: T) => void) | undefined;
}

interface Begun {
  readonly operation: Operation;
  readonly losses: number;
  readonly wasDisposed: boolean;
  readonly wasAborted: boolean;
  readonly wasGone: boolean;
  /** How many operations had settled when it was started. */
  readonly settledBefore: number;
  outcome?: {
    readonly value?: unknown;
    readonly error?: unknown;
    readonly losses: number;
    /** How many operations had settled before it. */
    readonly place: number;
  };
}

export interface HeldLease {
  readonly lease: Lease<Uint32Array>;
  readonly expected: Uint32Array;
  readonly losses: number;
}

export interface HeldSequence {
  readonly sequence: Sequence<{ readonly factor: number; readonly z: Output<Uint32Array> }>;
  /** The array that each replay steps `count` times and combines with `addend`. */
  readonly array: HeldArray;
  readonly count: number;
  readonly addend: Uint32Array;
  readonly losses: number;
}

/** No operation takes nearly this long unless it hangs. */
const hangMs = 30_000;
/** The longest wait for idle buffers. */
const maxWaitMs = 100;

export class Trial {
  readonly backend: PersistentComputeBackend;
  readonly settings: TrialSettings;
  readonly devices: LosableDevices;
  readonly arrays: HeldArray[] = [];
  readonly sequences: HeldSequence[] = [];
  readonly #worlds = new ArrayWorlds();
  readonly #leases: HeldLease[] = [];
  readonly #begun: Begun[] = [];
  #settled = 0;
  #later = 0;
  #named = 0;
  #losses = 0;
  #disposing: Promise<void> | undefined;
  #keepsLeases = true;

  static async open(settings: TrialSettings): Promise<Trial> {
    const { length: _, isPoisoned, ...options } = settings;
    const devices = new LosableDevices();
    const backend = await openPersistentBackend({
      device: devices.open,
      store: false,
      leakDetection: false,
      // A slow machine must not look like an endless kernel.
      graceMs: hangMs,
      ...options,
      ...(isPoisoned && poisonedMemory),
    });
    return new Trial(backend, devices, settings);
  }

  private constructor(backend: PersistentComputeBackend, devices: LosableDevices, settings: TrialSettings) {
    this.backend = backend;
    this.devices = devices;
    this.settings = settings;
    backend.on("lost", () => {
      this.#losses += 1;
    });
  }

  /** How many losses the backend has reported. */
  get losses(): number {
    return this.#losses;
  }

  get isDisposed(): boolean {
    return this.#disposing !== undefined;
  }

  begin<T>(operation: Operation<T>): void {
    const { arrays = [], signal } = operation;
    const begun: Begun = {
      operation: operation as Operation,
      losses: this.#losses,
      wasDisposed: this.isDisposed,
      wasAborted: signal?.aborted ?? false,
      wasGone: arrays.some(({ isDisposed }) => isDisposed),
      settledBefore: this.#settled,
    };
    this.#begun.push(begun);
    const settle = (outcome: { readonly value?: unknown; readonly error?: unknown }) => {
      begun.outcome = { ...outcome, losses: this.#losses, place: this.#settled };
      this.#settled += 1;
    };
    operation.work().then(
      (value) => settle({ value }),
      (error: unknown) => settle({ error }),
    );
  }

  /** Makes `settle` wait for a promise that is not a call of the backend. */
  later(work: Promise<void>): void {
    this.#later += 1;
    work.then(() => {
      this.#later -= 1;
    });
  }

  nameNext(): number {
    this.#named += 1;
    return this.#named;
  }

  keepArray(array: HeldArray, elements: Uint32Array): void {
    this.arrays.push(array);
    this.#worlds.add(array, elements);
  }

  keepLease(held: HeldLease): void {
    if (this.#keepsLeases) this.#leases.push(held);
    else this.#endLease(held);
  }

  /** Reads and releases all leases, because others may be waiting for their memory. */
  endLeases(): void {
    for (const held of this.#leases.splice(0)) this.#endLease(held);
  }

  #endLease({ lease, expected, losses }: HeldLease): void {
    try {
      expectSame(lease.data, expected);
    } catch (error) {
      // A destroyed device loses its memory before it reports the loss.
      const isLost = isComputeError(error, "device-lost") && this.devices.lost > losses;
      if (!isLost && !(isComputeError(error, "disposed") && this.isDisposed)) throw error;
    }
    lease.release();
  }

  dispose(): void {
    this.#disposing ??= this.backend.dispose();
    for (const array of this.arrays) array.isDisposed = true;
  }

  /** Waits until all operations have settled, and checks each. */
  async settle(): Promise<void> {
    this.#keepsLeases = false;
    this.endLeases();
    // Listeners of the device may start more operations in the same turn.
    do await this.#until("operations that do not settle", () => this.#isQuiet);
    while (!this.#isQuiet);
    this.#keepsLeases = true;
    for (const begun of this.#begun) this.#judge(begun);
    this.#begun.length = 0;
    expect(this.backend.stats().buffers.highWaterBytes).toBeLessThanOrEqual(this.settings.byteBudget);
  }

  get #isQuiet(): boolean {
    return this.#later === 0 && this.#begun.every(({ outcome }) => outcome);
  }

  /** Waits until unused buffers are destroyed. */
  async idle(): Promise<void> {
    await this.settle();
    if (this.sequences.length > 0 || this.settings.maxIdleMs > maxWaitMs) return;
    const held = this.arrays.filter(({ isDisposed }) => !isDisposed).length;
    await this.#until("buffers that stay", () => this.backend.stats().buffers.live <= held);
  }

  /** Checks the final state, before and after dispose. */
  async end(): Promise<void> {
    await this.settle();
    if (!this.isDisposed) {
      await this.#until("losses that are not told", () => this.#losses === this.devices.lost);
      for (const array of this.arrays) if (!array.isDisposed) this.read(array);
      await this.settle();
    }
    this.dispose();
    let isClosed = false;
    this.#disposing!.then(() => {
      isClosed = true;
    });
    await this.#until("a disposal that does not end", () => isClosed);
    expectNothingLive(this.backend);
    expect(this.backend.stats().devices).toMatchObject({ made: this.devices.opened.length, abandoned: 0 });
    expect(this.devices.complaints).toEqual([]);
  }

  read(array: HeldArray, start = 0, length = this.settings.length): void {
    this.#reading("read", array, start, length, () => array.handle.read({ start, length }));
  }

  lease(array: HeldArray, start: number, length: number): void {
    const losses = this.#losses;
    this.#reading("lease", array, start, length, async () => {
      const lease = await array.handle.lease({ start, length });
      const elements = lease.data.slice();
      this.keepLease({ lease, expected: elements, losses });
      return elements;
    });
  }

  #reading(how: string, array: HeldArray, start: number, length: number, work: () => Promise<Uint32Array>): void {
    this.begin({
      what: `${how} of ${array.name} from ${start}, ${length}`,
      work,
      arrays: [array],
      change: (value) => (world) => isSame(world.get(array)!.subarray(start, start + length), value),
    });
  }

  #judge(begun: Begun): void {
    const { operation, outcome } = begun;
    const { what, check, change, refusal } = operation;
    const { value, error } = outcome!;
    if (error !== undefined) {
      if (!isComputeError(error) || !this.#mayReject(begun, error.code)) {
        throw new Error(`The ${what} must not reject as it does: ${error}`, { cause: error });
      }
      const isPerhaps = (error.code === "aborted" || error.code === "timeout") && !begun.wasAborted;
      if (isPerhaps && change) this.#worlds.apply(change(undefined), "perhaps");
      return;
    }
    if (refusal || begun.wasDisposed || begun.wasAborted) throw new Error(`The ${what} must reject.`);
    check?.(value);
    if (change && !this.#worlds.apply(change(value), "yes")) {
      throw new Error(`The ${what} fits nothing that the arrays may hold; it returns ${String(value).slice(0, 200)}.`);
    }
  }

  #mayReject(begun: Begun, code: ComputeErrorCode): boolean {
    const { operation, outcome } = begun;
    const { arrays = [], retries = 0, signal, timeoutMs, refusal } = operation;
    const isGone = arrays.some(({ isDisposed }) => isDisposed);
    if (begun.wasDisposed) return code === "disposed" || (code === "device-lost" && this.#losses > 0);
    switch (code) {
      case "aborted":
        return signal?.aborted === true;
      case "timeout":
        return timeoutMs !== undefined;
      case "disposed":
        return this.isDisposed || isGone;
      case "invalid-binding":
        return isGone || refusal === code;
      case "device-lost": {
        // A backend reports no loss while it is being disposed.
        if (this.isDisposed && this.devices.lost > 0) return true;
        if (outcome!.losses - begun.losses > retries) return true;
        if (outcome!.losses > (operation.losses ?? Number.POSITIVE_INFINITY)) return true;
        return arrays.some(({ survives, losses }) => !survives && outcome!.losses > losses);
      }
      case "dependency-failed":
        return this.#begun.some(
          (other) =>
            other !== begun &&
            other.outcome?.error !== undefined &&
            // A run that its caller has left may still be on the device when that is lost.
            (other.outcome.place >= begun.settledBefore ||
              (isLeft(other.outcome.error) && outcome!.losses > other.outcome.losses)) &&
            other.operation.arrays?.some((array) => arrays.includes(array)),
        );
      default:
        return code === refusal;
    }
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    const endMs = performance.now() + hangMs;
    while (!isSo()) {
      if (performance.now() > endMs) {
        const pending = this.#begun.flatMap(({ operation, outcome }) => (outcome ? [] : operation.what));
        throw new Error(`There are ${what}: ${pending.join(", ")} ${JSON.stringify(this.backend.stats())}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
}

function isLeft(error: unknown): boolean {
  return isComputeError(error, "aborted") || isComputeError(error, "timeout");
}

/** `given` is `undefined` if the operation rejected; it then says nothing about the arrays. */
function isSame(expected: Uint32Array, given: Uint32Array | undefined): boolean {
  return given === undefined || (given.length === expected.length && expected.every((value, i) => value === given[i]));
}
