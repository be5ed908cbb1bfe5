import { ComputeError } from "@kiln-gpu/core";

export interface AcquireOptions {
  /** Ends the wait with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** How long those who wait do so while nothing comes back. */
export interface Patience {
  /** In milliseconds, for whoever is the next to be served; it keeps the process alive for so long. */
  readonly waitMs: number;
  /** Why nothing will come back; `undefined` while something is under way that may give it. */
  readonly giveUp: () => ComputeError | undefined;
}

/** Once somebody was told to wait no more, for so long until something comes back: what that one held may still be on its way. */
const stuckWaitMs = 50;
const longestTimerMs = 0x7fff_ffff;

interface Turn {
  /** Tries once and says whether that ended the turn, either way. */
  readonly isServed: () => boolean;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal | undefined;
  readonly sinceMs: number;
}

/**
 * Those who wait for a pool, strictly first come first served: a turn that can not be served yet holds back all behind it, so that
 * a large request is never starved by small ones.
 */
export class Turns {
  readonly #pool: string;
  readonly #patience: Patience | undefined;
  /** In order of arrival. */
  readonly #turns = new Set<Turn>();
  #beingServed: Turn | undefined;
  #isServing = false;
  #mustServeAgain = false;
  #isClosed = false;
  #closedBy: ComputeError | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When something came back last, or was seen to be under way, while anybody waited. */
  #cameBackMs = 0;
  /** Somebody was told to wait no more, and nothing has come back since. */
  #isStuck = false;

  /**
   * @param pool What errors call it, as the start of a sentence: "The buffer pool".
   * @param patience By default that of whoever waits for ever.
   */
  constructor(pool: string, patience?: Patience) {
    this.#pool = pool;
    this.#patience = patience;
  }

  get waiting(): number {
    return this.#turns.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Resolves with what `attempt` gives, once it gives something and all who came before have been served; the first attempt is made now.
   * @param attempt Takes everything at once and returns it, or takes nothing and returns `undefined`.
   * @throws {ComputeError} `aborted` by `signal`, what `close` was told, what the patience ends with; and what `attempt` throws.
   */
  take<T>(attempt: () => T | undefined, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(this.closedError());
      if (signal?.aborted) return reject(this.abortedError(signal));
      const onAbort = () => {
        // What is being served may just have taken something: it ends as its attempt does.
        if (turn === this.#beingServed) return;
        this.#turns.delete(turn);
        turn.reject(this.abortedError(signal!));
        this.#serve();
      };
      const turn: Turn = {
        isServed: () => {
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
        sinceMs: this.#patience ? performance.now() : 0,
      };
      signal?.addEventListener("abort", onAbort);
      this.#turns.add(turn);
      this.#serve();
    });
  }

  /** Serves as many as can be served; to be called whenever something came back. */
  serve(): void {
    if (this.#patience && this.#turns.size > 0) this.#cameBackMs = performance.now();
    this.#isStuck = false;
    this.#serve();
  }

  #serve(): void {
    // An attempt may call back into the pool; it is not interrupted by the turns behind it.
    if (this.#isServing) {
      this.#mustServeAgain = true;
      return;
    }
    this.#isServing = true;
    try {
      do {
        this.#mustServeAgain = false;
        for (const turn of this.#turns) if (!this.#serveOne(turn)) break;
      } while (this.#mustServeAgain);
    } finally {
      this.#isServing = false;
    }
    this.#watch();
  }

  /** Looks at the first who waits once that one's patience should have ended. */
  #watch(): void {
    const isWatched = this.#timer !== undefined;
    if (!this.#patience || isWatched === this.#turns.size > 0) return;
    const [first] = this.#turns;
    if (first) {
      const waitMs = Math.max(this.#endMs(first) - performance.now(), 0);
      this.#timer = setTimeout(() => this.#look(), Math.min(waitMs, longestTimerMs));
    } else {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  #endMs({ sinceMs }: Turn): number {
    const { waitMs } = this.#patience!;
    return Math.max(sinceMs, this.#cameBackMs) + (this.#isStuck ? Math.min(waitMs, stuckWaitMs) : waitMs);
  }

  #look(): void {
    this.#timer = undefined;
    const [first] = this.#turns;
    if (first && this.#endMs(first) <= performance.now()) {
      const reason = this.#patience!.giveUp();
      this.#cameBackMs = performance.now();
      if (reason) {
        this.#isStuck = true;
        this.#turns.delete(first);
        first.reject(reason);
      }
    }
    // Those behind may need less.
    this.#serve();
  }

  /** Rejects all who wait, and all later ones, with `reason`, by default `disposed`. */
  close(reason?: ComputeError): void {
    this.#closedBy ??= reason;
    this.#isClosed = true;
    this.#rejectAll(this.closedError());
    this.#watch();
  }

  #rejectAll(reason: ComputeError): void {
    for (const turn of [...this.#turns]) {
      if (turn === this.#beingServed) continue;
      this.#turns.delete(turn);
      turn.reject(reason);
    }
  }

  closedError(): ComputeError {
    if (this.#closedBy) return this.#closedBy;
    return new ComputeError("disposed", `${this.#pool} is disposed.`);
  }

  abortedError(signal: AbortSignal): ComputeError {
    return new ComputeError("aborted", `${this.#pool} was asked by a run that is aborted.`, { cause: signal.reason });
  }

  /** Whether the turn is over. */
  #serveOne(turn: Turn): boolean {
    this.#beingServed = turn;
    let isOver = true;
    try {
      isOver = turn.isServed();
      if (!isOver && this.#isClosed) throw this.closedError();
      if (!isOver && turn.signal?.aborted) throw this.abortedError(turn.signal);
    } catch (error) {
      isOver = true;
      turn.reject(error);
    } finally {
      this.#beingServed = undefined;
    }
    if (isOver) this.#turns.delete(turn);
    return isOver;
  }
}
