import { ComputeError } from "@kiln-gpu/core";

export interface AcquireOptions {
  /** Ends the wait with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** Ends waits that would never end by themselves. */
export interface StallTimeout {
  /** How long the first waiter waits while nothing is released, in milliseconds; its timer keeps the process alive. */
  readonly timeoutMs: number;
  /** The error for that waiter; `undefined` while work is under way that may release something. */
  readonly stallError: () => ComputeError | undefined;
}

/**
 * After one waiter has timed out, the next ones wait only this long until something is released: what the first held
 * may still be on its way.
 */
const stalledTimeoutMs = 50;
const longestTimerMs = 0x7fff_ffff;

interface Waiter {
  /** Makes one attempt. Returns whether the wait is over, with a value or an error. */
  readonly tryToServe: () => boolean;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal | undefined;
  readonly sinceMs: number;
}

/**
 * The queue of the buffer pool, strictly first come first served: a waiter that cannot be served yet holds back all
 * behind it, so small requests never starve a large one.
 */
export class WaitQueue {
  readonly #stallTimeout: StallTimeout | undefined;
  /** In order of arrival. */
  readonly #waiters = new Set<Waiter>();
  #beingServed: Waiter | undefined;
  #isServing = false;
  #mustServeAgain = false;
  #isClosed = false;
  #closedBy: ComputeError | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When something was last released, or work was last seen under way, while the queue was not empty. */
  #lastReleaseMs = 0;
  /** Whether a waiter has timed out and nothing has been released since. */
  #isStalled = false;

  /** @param stallTimeout By default waits have no timeout. */
  constructor(stallTimeout?: StallTimeout) {
    this.#stallTimeout = stallTimeout;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Resolves with what `attempt` returns, once it returns something and all earlier waiters are served. The first
   * attempt is made now.
   * @param attempt Takes everything at once and returns it, or takes nothing and returns `undefined`.
   * @throws {ComputeError} `aborted` by `signal`; the reason given to `close`; the stall timeout's error; and what
   *   `attempt` throws.
   */
  wait<T>(attempt: () => T | undefined, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(this.closedError());
      if (signal?.aborted) return reject(this.abortedError(signal));
      const onAbort = () => {
        // The attempt that is running may just have taken something, so its own result decides.
        if (waiter === this.#beingServed) return;
        this.#waiters.delete(waiter);
        waiter.reject(this.abortedError(signal!));
        this.#serve();
      };
      const waiter: Waiter = {
        tryToServe: () => {
          const taken = attempt();
          if (taken === undefined) return false;
          signal?.removeEventListener("abort", onAbort);
          resolve(taken);
          return true;
        },
        reject: (error) => {
          signal?.removeEventListener("abort", onAbort);
          reject(error);
        },
        signal,
        sinceMs: this.#stallTimeout ? performance.now() : 0,
      };
      signal?.addEventListener("abort", onAbort);
      this.#waiters.add(waiter);
      this.#serve();
    });
  }

  /** Serves all waiters that can be served. Call it whenever something was released. */
  serve(): void {
    if (this.#stallTimeout && this.#waiters.size > 0) this.#lastReleaseMs = performance.now();
    this.#isStalled = false;
    this.#serve();
  }

  #serve(): void {
    // An attempt may call back into the pool, which must not serve later waiters before the attempt returns.
    if (this.#isServing) {
      this.#mustServeAgain = true;
      return;
    }
    this.#isServing = true;
    try {
      do {
        this.#mustServeAgain = false;
        for (const waiter of this.#waiters) if (!this.#serveOne(waiter)) break;
      } while (this.#mustServeAgain);
    } finally {
      this.#isServing = false;
    }
    this.#setTimer();
  }

  /** Keeps a timer for the first waiter's timeout exactly while there is one. */
  #setTimer(): void {
    const isSet = this.#timer !== undefined;
    if (!this.#stallTimeout || isSet === this.#waiters.size > 0) return;
    const [first] = this.#waiters;
    if (first) {
      const leftMs = Math.max(this.#deadlineMs(first) - performance.now(), 0);
      this.#timer = setTimeout(() => this.#onTimer(), Math.min(leftMs, longestTimerMs));
    } else {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  #deadlineMs({ sinceMs }: Waiter): number {
    const { timeoutMs } = this.#stallTimeout!;
    return (
      Math.max(sinceMs, this.#lastReleaseMs) + (this.#isStalled ? Math.min(timeoutMs, stalledTimeoutMs) : timeoutMs)
    );
  }

  #onTimer(): void {
    this.#timer = undefined;
    const [first] = this.#waiters;
    if (first && this.#deadlineMs(first) <= performance.now()) {
      const error = this.#stallTimeout!.stallError();
      this.#lastReleaseMs = performance.now();
      if (error) {
        this.#isStalled = true;
        this.#waiters.delete(first);
        first.reject(error);
      }
    }
    // Later waiters may need less.
    this.#serve();
  }

  /** Rejects all waiters, and all later ones, with `reason`, by default `disposed`. */
  close(reason?: ComputeError): void {
    this.#closedBy ??= reason;
    this.#isClosed = true;
    const error = this.closedError();
    for (const waiter of [...this.#waiters]) {
      if (waiter === this.#beingServed) continue;
      this.#waiters.delete(waiter);
      waiter.reject(error);
    }
    this.#setTimer();
  }

  closedError(): ComputeError {
    return this.#closedBy ?? new ComputeError("disposed", "The buffer pool is disposed.");
  }

  abortedError(signal: AbortSignal): ComputeError {
    return new ComputeError("aborted", "The request to the buffer pool was aborted.", { cause: signal.reason });
  }

  /** Returns whether the wait is over. */
  #serveOne(waiter: Waiter): boolean {
    this.#beingServed = waiter;
    let isOver = true;
    try {
      isOver = waiter.tryToServe();
      if (!isOver && this.#isClosed) throw this.closedError();
      if (!isOver && waiter.signal?.aborted) throw this.abortedError(waiter.signal);
    } catch (error) {
      isOver = true;
      waiter.reject(error);
    } finally {
      this.#beingServed = undefined;
    }
    if (isOver) this.#waiters.delete(waiter);
    return isOver;
  }
}
