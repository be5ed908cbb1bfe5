/**
 * The objects through which callers hold pooled memory: staged memory, leases, resident arrays and sequences.
 *
 * Invariant: nothing here keeps a holder from being collected.
 */

import type { ComputeError } from "@kiln-gpu/core";

/** A backend, or an object that holds memory of one, that was dropped without being released or disposed. */
export interface Leak {
  /** A description, such as "a resident Float32Array of 1024". */
  readonly what: string;
  /** The call that made it. */
  readonly stack: string;
}

/** An object that holds memory of one device for a caller. */
export interface Holder extends Disposable {
  /** The memory is lost with its device. Later uses reject with `reason`. */
  lose(reason: ComputeError): void;
}

/** The record of a holder. */
export interface Held {
  readonly what: string;
  readonly holder: WeakRef<Holder>;
  /** Gives the memory back in place of a holder that was collected. */
  readonly free: () => void;
  /** Whether callers may have views of the memory that outlive the holder. */
  readonly isViewed: boolean;
  /** The call that made the holder: an `Error` at first, its stack later. */
  origin: Error | string | undefined;
  /** Whether its caller has disposed it while earlier calls still need it. */
  isGivenBack: boolean;
}

/**
 * After this time the stack of the call replaces its `Error`, which keeps alive everything that the call could reach.
 * Most holders are given back sooner and never pay for the stack.
 */
const writeDownMs = 250;
/** How many holders an error names. */
const maxTold = 3;

export class Holders {
  readonly #onLeak: ((leak: Leak) => void) | undefined;
  readonly #held = new Set<Held>();
  readonly #collected = new FinalizationRegistry<Held>((held) => this.#report(held));
  #hasEnded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onLeak Called once for each holder that is collected while it holds memory. */
  constructor(onLeak?: (leak: Leak) => void) {
    this.#onLeak = onLeak;
  }

  /**
   * After `end`, `holder` is disposed on the next microtask.
   * @param free Must not refer to `holder`.
   * @param call The call that made the holder, if it is not this one.
   * @returns The record, for `giveBack` and `delete`.
   */
  add(holder: Holder, { what, free, isViewed }: Pick<Held, "what" | "free" | "isViewed">, call?: Error): Held {
    const origin = this.#onLeak && (call ?? callOf(what));
    const held = { what, holder: new WeakRef(holder), free, isViewed, origin, isGivenBack: false };
    this.#held.add(held);
    if (origin) this.#writeDownLater();
    // Registering costs time; without a listener the collection of a viewed holder has no effect.
    if (origin || !isViewed) this.#collected.register(holder, held, held);
    if (this.#hasEnded) queueMicrotask(() => holder[Symbol.dispose]());
    return held;
  }

  /** The current call, if leaks are reported. */
  callOf(subject: string): Error | undefined {
    return this.#onLeak && callOf(subject);
  }

  /** Whether `end` was called. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * The caller has disposed the holder. Earlier calls may still need it, so it is lost with its device until it is
   * deleted.
   */
  giveBack(held: Held): void {
    held.isGivenBack = true;
    this.#collected.unregister(held);
  }

  delete(held: Held): void {
    this.#held.delete(held);
    if (held.origin || !held.isViewed) this.#collected.unregister(held);
  }

  /** Disposes every holder, now and in the future: a run may wait for memory that a lease holds. */
  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    for (const { holder } of this.all()) holder[Symbol.dispose]();
    this.freeDropped();
  }

  /** Every holder that is not dropped. */
  *all(): Iterable<{ readonly what: string; readonly holder: Holder; readonly isGivenBack: boolean }> {
    for (const { what, holder: ref, isGivenBack } of [...this.#held]) {
      const holder = ref.deref();
      if (holder) yield { what, holder, isGivenBack };
    }
  }

  /** Gives back the memory of dropped holders. Call it once the device is lost: then no view can show that memory. */
  freeDropped(): void {
    for (const held of [...this.#held]) {
      if (held.holder.deref()) continue;
      this.#held.delete(held);
      held.free();
    }
  }

  /** Lists the holders, as a part of a sentence. */
  toString(): string {
    const held = [...this.#held].filter(({ isGivenBack }) => !isGivenBack);
    const count = held.length;
    const [first, ...others] = held.slice(0, maxTold).map(({ what }) => what);
    if (!first) return "work that waits for more";
    const told = [first, ...others].join("; ");
    return count > maxTold ? `${told}; and ${count - maxTold} more` : told;
  }

  #writeDownLater(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const held of this.#held) held.origin = stackOf(held);
    }, writeDownMs);
    (this.#timer as { unref?(): void }).unref?.();
  }

  #report(held: Held): void {
    if (!this.#held.has(held)) return;
    this.#onLeak?.({ what: held.what, stack: stackOf(held) ?? held.what });
    // Giving the memory back would empty the views of it, so it stays held until `end`.
    if (held.isViewed) return;
    this.#held.delete(held);
    held.free();
  }
}

/** An engine keeps ten frames by default. Kiln's own calls can fill those before the caller's appears. */
const stackFrames = 30;

function callOf(subject: string): Error {
  const limited = Error as typeof Error & { stackTraceLimit?: number };
  const { stackTraceLimit } = limited;
  // Only V8 has the limit. If it is frozen, the stack keeps its length.
  const isRaised = typeof stackTraceLimit === "number" && Reflect.set(limited, "stackTraceLimit", stackFrames);
  const call = new Error(subject);
  if (isRaised) limited.stackTraceLimit = stackTraceLimit;
  return call;
}

function stackOf({ origin }: Held): string | undefined {
  return typeof origin === "string" ? origin : origin?.stack;
}
