/**
 * The order of the runs that share resident arrays.
 *
 * Invariant: of two uses of an array, at least one of which writes it, the later one is not submitted before the
 * earlier one has ended, unless both are in one submission. So when a use fails, nothing has run that was to work on
 * what it would have written.
 *
 * The life of a use:
 * 1. `called`: it has a place in the order of its arrays, behind every use that was called before.
 * 2. `queued`: it is in the queue of submissions; every use that was called before it came there first.
 * 3. `taken`: it is in a batch that is about to be submitted. Later uses that conflict with it are held back.
 * 4. `submitted`: it happens, even if its caller leaves.
 * 5. `over`: it has happened, or never will. A failure spoils the later uses of the arrays it would have written.
 *
 * From `taken` or `submitted` it returns to `queued` when the submission has ended. When the device is lost, a use that
 * may be repeated is renewed: a new use takes its place in the order of the same arrays on the next device, and the old
 * one is over.
 */
import { ComputeError, isComputeError } from "@kiln-gpu/core";
import type { Caller } from "@kiln-gpu/core/backend";

/** The uses of one array. */
export class ArrayUsers {
  /** In the order of their calls; each until it is over. */
  readonly all = new Set<ArrayUse>();
  /** The latest of them, while it has not come to the queue: most often its kernel is being compiled. */
  coming: ArrayUse | undefined;
  /** How many of those that are taken or submitted read the array, and how many write it. */
  reading = 0;
  writing = 0;
  /** The uses on the next device, after a loss that the array survives. */
  successor: ArrayUsers | undefined;
  readonly #onUnused: () => void;

  /** @param onUnused Called whenever the last use is over. */
  constructor(onUnused: () => void) {
    this.#onUnused = onUnused;
  }

  delete(use: ArrayUse): void {
    this.all.delete(use);
    if (this.all.size === 0) this.#onUnused();
  }

  /** Call when the device is lost and the array is going to be on the next one. */
  succeed(): ArrayUsers {
    this.successor = new ArrayUsers(this.#onUnused);
    return this.successor;
  }
}

const successorsOf = (arrays: readonly ArrayUsers[]) => arrays.flatMap(({ successor }) => successor ?? []);

let lastOrder = 0;

/** The use that one run makes of all arrays that it binds. */
export class ArrayUse {
  /** Rises with the calls; a renewed use keeps it. */
  readonly #order: number;
  /**
   * Whether it may be renewed: everything it needs is on the host, or on arrays that survive. Kept up to date by the
   * run.
   */
  isRepeatable = false;
  readonly #subject: string;
  readonly #arrays: readonly ArrayUsers[];
  readonly #caller: Caller;
  /** The uses called before it that had not come to the queue at its call. */
  readonly #before: readonly ArrayUse[];
  #state: "called" | "queued" | "taken" | "submitted" | "over" = "called";
  /** Whether no use waits for this one to come any more; one that is over comes when those before it have. */
  #hasCome = false;
  readonly #onCome: (() => void)[] = [];
  /** The arrays that it may write, until it is known which it does. */
  #written: readonly ArrayUsers[];
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
   * Renews the uses of `lost` arrays that may be repeated, in the order of their calls; those that needed one of the
   * others fail.
   * @param reason Why the others do.
   */
  static renewAll(lost: readonly ArrayUsers[], reason: ComputeError): void {
    const uses = [...new Set(lost.flatMap(({ all }) => [...all]))].sort((a, b) => a.#order - b.#order);
    // How far a submission came on a lost device is never known.
    for (const use of uses) if (use.#state === "submitted") use.#state = "taken";
    for (const use of uses) {
      if (use.#spoiled || !use.isRepeatable) use.fail(use.#spoiled ?? reason);
      else use.#renew();
    }
  }

  #renew(): void {
    const written = successorsOf(this.#written);
    const renewed = new ArrayUse(this.#subject, successorsOf(this.#arrays), written, this.#caller, this.#order);
    renewed.isRepeatable = true;
    this.#renewed = renewed;
    this.end();
  }

  /** Its place after all losses so far; `undefined` if it was not renewed. */
  get renewed(): ArrayUse | undefined {
    return this.#renewed?.renewed ?? this.#renewed;
  }

  /**
   * Why it must not run, if it must not: an earlier use failed, and this one was to work on what that would have
   * written.
   */
  get spoiled(): ComputeError | undefined {
    return this.#spoiled;
  }

  /** Tells which of its arrays it writes, as soon as that is known. */
  writes(written: readonly ArrayUsers[]): void {
    this.#written = written;
  }

  /**
   * Its one way to the queue: waits until the uses that were called before it have come there, then calls `enqueue`,
   * and is over when that settles.
   * @param enqueue Brings the run to the queue, and resolves with its results.
   */
  async happen<T>(enqueue: () => Promise<T>): Promise<T> {
    try {
      const turn = this.#turn();
      if (turn) await turn;
      this.#come();
      return await enqueue();
    } catch (error) {
      this.end(error);
      throw error;
    } finally {
      this.end();
    }
  }

  /** Resolves when the uses called before it have come to the queue; `undefined` if they have. */
  #turn(): Promise<unknown> | undefined {
    const coming = this.#before.filter((use) => !use.#hasCome);
    if (coming.length === 0) return undefined;
    return Promise.all(coming.map((use) => new Promise<void>((resolve) => use.#onCome.push(resolve))));
  }

  #come(): void {
    if (this.#state === "called") this.#state = "queued";
    if (this.#hasCome) return;
    this.#hasCome = true;
    for (const array of this.#arrays) if (array.coming === this) array.coming = undefined;
    for (const resolve of this.#onCome.splice(0)) resolve();
  }

  /**
   * Whether it must stay in the queue, because it conflicts with a use that is taken or submitted, or shares an array
   * with one of those held back before it. If so, its arrays are added to `held`.
   */
  isHeldBack(held: Set<ArrayUsers>): boolean {
    if (!this.#conflicts() && !this.#arrays.some((array) => held.has(array))) return false;
    for (const array of this.#arrays) held.add(array);
    return true;
  }

  /** Whether something taken or submitted reads what this writes, or writes what this uses. */
  #conflicts(): boolean {
    return this.#arrays.some((array) => array.writing > 0 || (array.reading > 0 && this.#written.includes(array)));
  }

  /** A batch has taken it. */
  start(): void {
    if (this.#state === "queued") this.#state = "taken";
    this.#count(1);
  }

  /** The batch is submitted. */
  commit(): void {
    if (this.#state === "taken") this.#state = "submitted";
  }

  /** The submission has ended, or nothing of it has run. */
  settle(): void {
    if (this.#state !== "over") this.#state = "queued";
    this.#count(-1);
  }

  /** Its caller no longer waits, and knows it. A use that is not submitted never will be. */
  #leave(reason: ComputeError): void {
    if (this.#state === "submitted" || this.#state === "over") return;
    this.#state = "over";
    this.#close(reason);
  }

  /**
   * Ends the use; only the first call counts. A failure also spoils later uses, up to those made before its caller
   * could see it.
   */
  end(failure?: unknown): void {
    if (this.#state === "over") return;
    this.#state = "over";
    if (failure === undefined) this.#close();
    else queueMicrotask(() => this.#close(failure));
  }

  #close(failure?: unknown): void {
    if (failure !== undefined) this.fail(failure);
    for (const array of this.#arrays) array.delete(this);
    // A use that waits for this one waits for those before it as well.
    const turn = this.#turn();
    if (turn) turn.then(() => this.#come());
    else this.#come();
  }

  /** Spoils the later uses of the arrays it would have written, before any of them can be submitted. */
  fail(failure: unknown): void {
    // However long the chain of uses that depend on each other, the first failure is the one that helps.
    const cause = isComputeError(failure, "dependency-failed") ? failure.cause : failure;
    for (const array of this.#written) {
      let isLater = false;
      for (const use of array.all) {
        if (isLater && use.#state !== "submitted") use.#spoiled ??= use.#dependencyFailed(cause as Error);
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
