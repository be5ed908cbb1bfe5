import type { ReadyRun } from "./ready-run.js";

export interface HangLimits {
  /** How long the device may work for callers that have all left, in milliseconds. */
  readonly graceMs: number;
  /** How long the device may work on one submission, in milliseconds; `Infinity` for no bound. */
  readonly deadlineMs: number;
}

interface Watched {
  readonly runs: readonly ReadyRun[];
  /** How many of its runs have callers that still wait. */
  awaited: number;
}

const longestTimerMs = 0x7fff_ffff;

/**
 * Watches the submission that the device works on. A queue works in order, so that is the oldest in flight. WebGPU
 * cannot stop a kernel, and a device whose kernel does not end answers nothing.
 */
export class HangWatch {
  readonly #limits: HangLimits;
  readonly #onHang: (runs: readonly ReadyRun[], ms: number) => void;
  /** A few, in the order of their submission. */
  readonly #watched: Watched[] = [];
  #oldest: Watched | undefined;
  #oldestSinceMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onHang Called once for a submission that takes too long, which is then no longer watched. */
  constructor(limits: HangLimits, onHang: (runs: readonly ReadyRun[], ms: number) => void) {
    this.#limits = limits;
    this.#onHang = onHang;
  }

  /** Whether the device works on anything. */
  get isWatching(): boolean {
    return this.#oldest !== undefined;
  }

  add(runs: readonly ReadyRun[]): void {
    const watched: Watched = { runs, awaited: 0 };
    for (let i = 0; i < runs.length; i += 1) {
      const { caller } = runs[i]!;
      watched.awaited += 1;
      if (caller.mayLeave) caller.onLeave(() => this.#lose(watched));
    }
    this.#watched.push(watched);
    this.#look();
  }

  delete(runs: readonly ReadyRun[]): void {
    const at = this.#watched.findIndex((watched) => watched.runs === runs);
    if (at === 0) this.#watched.shift();
    else if (at > 0) this.#watched.splice(at, 1);
    this.#look();
  }

  /** Stops watching. */
  end(): void {
    this.#watched.length = 0;
    this.#look();
  }

  #lose(watched: Watched): void {
    watched.awaited -= 1;
    if (watched === this.#oldest && watched.awaited === 0) this.#arm();
  }

  /** Turns to the oldest in flight. */
  #look(): void {
    const oldest = this.#watched[0];
    if (oldest === this.#oldest) return;
    this.#oldest = oldest;
    const { deadlineMs } = this.#limits;
    if (deadlineMs !== Number.POSITIVE_INFINITY) this.#oldestSinceMs = performance.now();
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const oldest = this.#oldest;
    if (!oldest) return;
    const { graceMs, deadlineMs } = this.#limits;
    const leftMs =
      deadlineMs === Number.POSITIVE_INFINITY ? deadlineMs : this.#oldestSinceMs + deadlineMs - performance.now();
    const waitMs = oldest.awaited === 0 ? Math.min(graceMs, leftMs) : leftMs;
    if (waitMs > longestTimerMs) return;
    this.#timer = setTimeout(() => this.#hang(oldest), Math.max(waitMs, 0));
  }

  #hang(oldest: Watched): void {
    this.#timer = undefined;
    this.delete(oldest.runs);
    this.#onHang(oldest.runs, oldest.awaited === 0 ? this.#limits.graceMs : this.#limits.deadlineMs);
  }
}
