/**
 * What holds memory of the pools in callers' hands: staged memory, leases, resident arrays and sequences.
 *
 * Invariant: nothing here keeps a holder from being collected.
 */

import type { ComputeError } from "@kiln-gpu/core";

/** What was dropped without being given back: memory of a backend's, or a backend. */
export interface Leak {
  /** What it is, as "a resident Float32Array of 1024". */
  readonly what: string;
  /** The call that made it. */
  readonly stack: string;
}

/** What holds memory of one device for a caller. */
export interface Holder extends Disposable {
  /** The device is lost, and the memory with it: all later uses are refused for this reason. */
  lose(reason: ComputeError): void;
}

/** What is known of a holder. */
export interface Held {
  readonly what: string;
  readonly holder: WeakRef<Holder>;
  /** Gives back what a holder that is collected can no longer give back itself. */
  readonly free: () => void;
  /** Whether callers may still read or write the memory itself when the holder is gone. */
  readonly isViewed: boolean;
  /** The call that made it; an `Error` at first. */
  origin: Error | string | undefined;
  /** Whether its caller has given it back, and calls that were made before still need it. */
  isGivenBack: boolean;
}

/**
 * After this long the call is written down: it costs more than to give back, and the `Error` keeps what was in reach of
 * that call.
 */
const writeDownMs = 250;
/** An error names so many. */
const maxTold = 3;

export class Holders {
  readonly #onLeak: ((leak: Leak) => void) | undefined;
  readonly #held = new Set<Held>();
  readonly #collected = new FinalizationRegistry<Held>((held) => this.#report(held));
  #hasEnded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onLeak Told once of each holder that is collected while it holds memory. */
  constructor(onLeak?: (leak: Leak) => void) {
    this.#onLeak = onLeak;
  }

  /**
   * After `end`, `holder` ends as soon as whoever adds it has gone on.
   * @param free Does not refer to `holder`.
   * @param call That made it, where it is not this one.
   * @returns What `delete` needs.
   */
  add(holder: Holder, { what, free, isViewed }: Pick<Held, "what" | "free" | "isViewed">, call?: Error): Held {
    const origin = this.#onLeak && (call ?? callOf(what));
    const held = { what, holder: new WeakRef(holder), free, isViewed, origin, isGivenBack: false };
    this.#held.add(held);
    if (origin) this.#writeDownLater();
    // It costs, and of one that is viewed nothing comes but a report.
    if (origin || !isViewed) this.#collected.register(holder, held, held);
    if (this.#hasEnded) queueMicrotask(() => holder[Symbol.dispose]());
    return held;
  }

  /** The call of now, where somebody listens. */
  callOf(subject: string): Error | undefined {
    return this.#onLeak && callOf(subject);
  }

  /** Whether holders end as they are added. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * The caller has given it back. It goes with its device all the same until it is deleted, for calls that were made
   * before need it.
   */
  giveBack(held: Held): void {
    held.isGivenBack = true;
    this.#collected.unregister(held);
  }

  delete(held: Held): void {
    this.#held.delete(held);
    if (held.origin || !held.isViewed) this.#collected.unregister(held);
  }

  /** Ends all there are and all to come: a run may wait for the memory that another's lease holds. */
  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    for (const { holder } of this.all()) holder[Symbol.dispose]();
    this.freeDropped();
  }

  /** All there are, with what each is. What was dropped is not among them. */
  *all(): Iterable<{ readonly what: string; readonly holder: Holder; readonly isGivenBack: boolean }> {
    for (const { what, holder: ref, isGivenBack } of [...this.#held]) {
      const holder = ref.deref();
      if (holder) yield { what, holder, isGivenBack };
    }
  }

  /** The device is lost: gives back what dropped holders have held, which no view can show any more. */
  freeDropped(): void {
    for (const held of [...this.#held]) {
      if (held.holder.deref()) continue;
      this.#held.delete(held);
      held.free();
    }
  }

  /** What they are, as a part of a sentence. */
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
    // A view of it would turn empty; it stays held until `end`.
    if (held.isViewed) return;
    this.#held.delete(held);
    held.free();
  }
}

/** Frames of an engine's stack by default are ten, which calls of ours can fill before the caller's own comes. */
const stackFrames = 30;

function callOf(subject: string): Error {
  const limited = Error as typeof Error & { stackTraceLimit?: number };
  const { stackTraceLimit } = limited;
  // Only V8 has the limit; where it is frozen, the stack is as long as it is.
  const isRaised = typeof stackTraceLimit === "number" && Reflect.set(limited, "stackTraceLimit", stackFrames);
  const call = new Error(subject);
  if (isRaised) limited.stackTraceLimit = stackTraceLimit;
  return call;
}

function stackOf({ origin }: Held): string | undefined {
  return typeof origin === "string" ? origin : origin?.stack;
}
