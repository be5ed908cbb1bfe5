/** Makes a pass, and one more after each burst of changes, until it is stopped. */
export class PassLoop {
  readonly #pass: () => Promise<unknown>;
  readonly #settle: () => Promise<unknown>;
  #isChanged = false;
  #isStopped = false;
  #wake = () => {};

  /** @param settle Waits until a burst of changes is over; all changes until then share one pass. */
  constructor(pass: () => Promise<unknown>, settle: () => Promise<unknown>) {
    this.#pass = pass;
    this.#settle = settle;
  }

  /** Requests another pass, also during a pass. */
  change(): void {
    this.#isChanged = true;
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  /** @param onIdle Called whenever the loop begins to wait for a change. */
  async run(onIdle: () => void): Promise<void> {
    while (!this.#isStopped) {
      this.#isChanged = false;
      await this.#pass();
      if (!this.#isChanged && !this.#isStopped) {
        onIdle();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (!this.#isStopped) await this.#settle();
    }
  }
}
