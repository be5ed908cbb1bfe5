/** Lets runs in together, or one alone. One that wants to be alone waits for those inside, and holds up all later ones. */
export class RunGate {
  #inside = 0;
  readonly #waiting: { readonly isAlone: boolean; readonly enter: () => void }[] = [];
  #hasAlone = false;

  /** Resolves with the function that leaves. */
  enter(isAlone: boolean): Promise<() => void> {
    return new Promise((resolve) => {
      const enter = () => {
        this.#inside += 1;
        this.#hasAlone = isAlone;
        resolve(() => {
          this.#inside -= 1;
          this.#hasAlone = false;
          this.#admit();
        });
      };
      this.#waiting.push({ isAlone, enter });
      this.#admit();
    });
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#hasAlone || (next.isAlone && this.#inside > 0)) return;
      this.#waiting.shift();
      next.enter();
    }
  }
}
