/**
 * The order of the runs that share resident arrays.
 *
 * Invariant: of two uses of an array, at least one of which writes it, the later one is not submitted before the earlier one has
 * ended, unless both are in one submission. So a run that fails has not run, and nothing has that was to work on what it would have written.
 *
 * Where the device is lost, what is run again on the next one keeps its place before all that are called after the loss.
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
  /** Those who use it on the next device, after a loss that it survives. */
  successor: ArrayUsers | undefined;
  readonly #onUnused: () => void;

  /** @param onUnused Called whenever the last use has ended. */
  constructor(onUnused: () => void) {
    this.#onUnused = onUnused;
  }

  delete(use: ArrayUse): void {
    this.all.delete(use);
    if (this.all.size === 0) this.#onUnused();
  }

  /** Its device is lost, and it is going to be on the next. */
  succeed(): ArrayUsers {
    this.successor = new ArrayUsers(this.#onUnused);
    return this.successor;
  }
}

const successorsOf = (arrays: readonly ArrayUsers[]) => arrays.flatMap(({ successor }) => successor ?? []);

let lastOrder = 0;

/** The use that one run makes of all arrays that it binds, from its call to its end. */
export class ArrayUse {
  /** Rises with the calls; what is renewed keeps it. */
  readonly #order: number;
  /** Whether it may happen again on another device, all that it needs being there: kept up to date by whoever would make it. */
  isRepeatable = false;
  readonly #subject: string;
  readonly #arrays: readonly ArrayUsers[];
  readonly #caller: Caller;
  readonly #before: readonly ArrayUse[];
  readonly #waiting: (() => void)[] = [];
  /** Those that it may write, until it is known which it does. */
  #written: readonly ArrayUsers[];
  #hasCome = false;
  #isSubmitted = false;
  #isOver = false;
  #spoiled: ComputeError | undefined;
  #renewed: ArrayUse | undefined;

  /**
   * Takes its place in the order.
   * @param subject What errors call it, as the start of a sentence.
   * @param arrays Each named once.
   * @param written Those of them that it may write.
   */
  constructor(
    subject: string,
    arrays: readonly ArrayUsers[],
    written: readonly ArrayUsers[],
    caller: Caller,
    order = ++lastOrder,
  ) {
    this.#order = order;
    this.#subject = subject;
    this.#arrays = arrays;
    this.#caller = caller;
    this.#written = written;
    this.#before = arrays.flatMap(({ coming }) => coming ?? []);
    for (const array of arrays) {
      array.all.add(this);
      array.coming = this;
    }
    caller.onLeave((reason) => this.#leave(reason));
  }

  /**
   * Gives the uses of `lost` that may happen again their places on the next device, in the order of their calls; those that needed one of the others fail.
   * @param reason Why the others do.
   */
  static renewAll(lost: readonly ArrayUsers[], reason: ComputeError): void {
    const uses = [...new Set(lost.flatMap(({ all }) => [...all]))].sort((a, b) => a.#order - b.#order);
    // Of what was submitted nobody will know how far it came.
    for (const use of uses) use.#isSubmitted = false;
    for (const use of uses) {
      if (use.#spoiled || !use.isRepeatable) use.#spoilLater(use.#spoiled ?? reason);
      else use.#renew();
    }
  }

  /** Takes its place on the next device, and ends here. */
  #renew(): void {
    const written = successorsOf(this.#written);
    const renewed = new ArrayUse(this.#subject, successorsOf(this.#arrays), written, this.#caller, this.#order);
    renewed.isRepeatable = true;
    this.#renewed = renewed;
    this.end();
  }

  /** Its place after all losses by now; `undefined` where it was not renewed. */
  get renewed(): ArrayUse | undefined {
    return this.#renewed?.renewed ?? this.#renewed;
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

  /** Tells which of its arrays it writes. */
  writes(written: readonly ArrayUsers[]): void {
    this.#written = written;
  }

  /** It is in the queue from now on. */
  come(): void {
    if (this.#hasCome) return;
    this.#hasCome = true;
    for (const array of this.#arrays) if (array.coming === this) array.coming = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
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
    if (turn) turn.then(() => this.come());
    else this.come();
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

  #count(by: 1 | -1): void {
    for (const array of this.#arrays) {
      if (this.#written.includes(array)) array.writing += by;
      else array.reading += by;
    }
  }
}
