/** What holds memory of the pools in callers' hands: staged memory and leases. */
export class Holders {
  readonly #holders = new Set<Disposable>();
  #hasEnded = false;

  /** After `end`, `holder` ends as soon as whoever adds it has gone on. */
  add(holder: Disposable): void {
    this.#holders.add(holder);
    if (this.#hasEnded) queueMicrotask(() => holder[Symbol.dispose]());
  }

  delete(holder: Disposable): void {
    this.#holders.delete(holder);
  }

  /** Ends all there are and all to come: a run may wait for the memory that another's lease holds. */
  end(): void {
    this.#hasEnded = true;
    for (const holder of this.#holders) holder[Symbol.dispose]();
  }
}
