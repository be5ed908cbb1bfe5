/**
 * The order of the runs that share resident arrays.
 *
 * Invariant: of two uses of an array, at least one of which writes it, the later one is not submitted before the earlier one has
 * ended, unless both are in one submission. So a run that fails has not run, and nothing has that was to work on what it would have written.
 */
import { type Caller, ComputeError, isComputeError } from "@kiln-gpu/core";

/** Who uses one array. */
export class ArrayUsers {
  /** In the order of their calls; each until it has ended. */
  readonly all = new Set<ArrayUse>();
  /** The latest of them, if it has not come to the queue yet: most often its kernel is being compiled. */
  coming: ArrayUse | undefined;
  /** Of those submitted, how many read the array, and how many write it. */
  reading = 0;
  writing = 0;
  readonly #onUnused: () => void;

  /** @param onUnused Called whenever the last use has ended. */
  constructor(onUnused: () => void) {
    this.#onUnused = onUnused;
  }

  delete(use: ArrayUse): void {
    this.all.delete(use);
    if (this.all.size === 0) this.#onUnused();
  }
}

/** The use that one run makes of all arrays that it binds, from its call to its end. */
export class ArrayUse {
  readonly #subject: string;
  readonly #arrays: readonly ArrayUsers[];
  readonly #before: readonly ArrayUse[];
  readonly #waiting: (() => void)[] = [];
  /** All of them, until it is known which are. */
  #written: readonly ArrayUsers[];
  #hasCome = false;
  #isSubmitted = false;
  #isOver = false;
  #spoiled: ComputeError | undefined;

  /**
   * Takes its place in the order.
   * @param subject What errors call it, as the start of a sentence.
   * @param arrays Each named once.
   */
  constructor(subject: string, arrays: readonly ArrayUsers[], caller: Caller) {
    this.#subject = subject;
    this.#arrays = arrays;
    this.#written = arrays;
    this.#before = arrays.flatMap(({ coming }) => coming ?? []);
    for (const array of arrays) {
      array.all.add(this);
      array.coming = this;
    }
    caller.onLeave((reason) => this.#leave(reason));
  }

  /** Why it must not run, if it must not: one before it has failed, and this was to work on what that one would have written. */
  get spoiled(): ComputeError | undefined {
    return this.#spoiled;
  }

  /** Resolves when all that were called before it have come to the queue; `undefined` where they have. */
  turn(): Promise<unknown> | undefined {
    const coming = this.#before.filter((use) => !use.#hasCome);
    if (coming.length === 0) return undefined;
    return Promise.all(coming.map((use) => new Promise<void>((resolve) => use.#waiting.push(resolve))));
  }

  /** It is in the queue from now on; `written` are those of its arrays that it writes. */
  come(written: readonly ArrayUsers[]): void {
    this.#written = written;
    this.#setCome();
  }

  /** Whether something submitted reads what this writes, or writes what this uses. */
  get mustWait(): boolean {
    return this.#arrays.some((array) => array.writing > 0 || (array.reading > 0 && this.#written.includes(array)));
  }

  /** Whether it shares an array with those in `held`, to which its own are added where it does or `mustWait`. */
  isHeldBack(held: Set<ArrayUsers>): boolean {
    if (!this.mustWait && !this.#arrays.some((array) => held.has(array))) return false;
    for (const array of this.#arrays) held.add(array);
    return true;
  }

  /** It is about to be submitted: what shares its arrays waits. */
  start(): void {
    this.#count(1);
  }

  /** It is submitted: from now on it happens, whoever leaves. */
  commit(): void {
    this.#isSubmitted = true;
  }

  /** Undoes `start` and `commit`: the submission has ended, or nothing of it has run. */
  settle(): void {
    this.#isSubmitted = false;
    this.#count(-1);
  }

  /** Its caller no longer waits, and knows it. What was not submitted will not be. */
  #leave(reason: ComputeError): void {
    if (this.#isSubmitted || this.#isOver) return;
    this.#isOver = true;
    this.#end(reason);
  }

  /** It will not happen: those after it that were called by now are spoiled before any of them can be submitted. */
  fail(failure: unknown): void {
    this.#spoilLater(failure);
  }

  /** It is over, and the first call says how; where it failed, those after it that are called until its caller can know are spoiled. */
  end(failure?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (failure === undefined) this.#end();
    else queueMicrotask(() => this.#end(failure));
  }

  #end(failure?: unknown): void {
    if (failure !== undefined) this.#spoilLater(failure);
    for (const array of this.#arrays) array.delete(this);
    // Those who wait for this one wait for those before it as well.
    const turn = this.turn();
    if (turn) turn.then(() => this.#setCome());
    else this.#setCome();
  }

  #spoilLater(failure: unknown): void {
    // What failed first is what helps, however long the chain of those that depend on it.
    const cause = isComputeError(failure, "dependency-failed") ? failure.cause : failure;
    for (const array of this.#written) {
      let isLater = false;
      for (const use of array.all) {
        if (isLater && !use.#isSubmitted) use.#spoiled ??= use.#dependencyFailed(cause as Error);
        if (use === this) isLater = true;
      }
    }
  }

  #dependencyFailed(cause: Error): ComputeError {
    return new ComputeError(
      "dependency-failed",
      `${this.#subject} needs what was to be written to a resident array before, and that failed: ${cause.message}`,
      { cause },
    );
  }

  #setCome(): void {
    if (this.#hasCome) return;
    this.#hasCome = true;
    for (const array of this.#arrays) if (array.coming === this) array.coming = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #count(by: 1 | -1): void {
    for (const array of this.#arrays) {
      if (this.#written.includes(array)) array.writing += by;
      else array.reading += by;
    }
  }
}
