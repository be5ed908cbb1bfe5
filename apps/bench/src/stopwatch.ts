/** Adds up the times between `start` and `stop`, in milliseconds, so that a call can exclude other work. */
export class Stopwatch {
  #totalMs = 0;
  #startMs = 0;

  start(): void {
    this.#startMs = performance.now();
  }

  stop(): void {
    this.#totalMs += performance.now() - this.#startMs;
  }

  /** Adds time that another clock measured. */
  add(timeMs: number): void {
    this.#totalMs += timeMs;
  }

  /** Returns the time so far, and starts again at 0. */
  take(): number {
    const totalMs = this.#totalMs;
    this.#totalMs = 0;
    return totalMs;
  }
}
