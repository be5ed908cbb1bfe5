/** Adds up the times between `start` and `stop`, in milliseconds, so that a call can leave out what is not its work. */
export class Stopwatch {
  #totalMs = 0;
  #startMs = 0;

  start(): void {
    this.#startMs = performance.now();
  }

  stop(): void {
    this.#totalMs += performance.now() - this.#startMs;
  }

  /** Counts time that another clock has measured. */
  add(timeMs: number): void {
    this.#totalMs += timeMs;
  }

  /** The time so far; the next begins at 0. */
  take(): number {
    const totalMs = this.#totalMs;
    this.#totalMs = 0;
    return totalMs;
  }
}
