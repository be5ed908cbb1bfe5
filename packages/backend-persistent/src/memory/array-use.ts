/**
 * The order of the runs that share resident arrays.
 *
 * Invariant: of two uses of an array, at least one of which writes it, the later one is not submitted before the
 * earlier one has ended, unless both are in one submission. So when a use fails, nothing that depends on its output has
 * run.
 *
 * The life of a use:
 * 1. `called`: it has a position in the order of its arrays, behind every earlier call.
 * 2. `queued`: it is in the queue of submissions. Every use that was called before it came there first.
 * 3. `gathered`: it is in a batch that is about to be submitted. Later uses that conflict with it stay in the queue.
 * 4. `submitted`: it happens, even if its caller leaves.
 * 5. `over`: it has happened, or never will. A failure rejects later uses of the arrays it would have written.
 *
 * From `gathered` or `submitted` it returns to `queued` when the submission has ended. When the device is lost, a use
 * that may be repeated is renewed: a new use takes over its position, in the order of the same arrays on the next
 * device, and the old one is over.
 */
import { ComputeError, isComputeError } from "@kiln-gpu/core";
import type { Caller } from "@kiln-gpu/core/backend";

/** The uses of one array. */
export class ArrayUsers {
  /** The uses that are not over, in the order of their calls. */
  readonly all = new Set<ArrayUse>();
  /** The latest use, until it comes to the queue. Most often its kernel is being compiled. */
  coming: ArrayUse | undefined;
  /** How many of the gathered or submitted uses read the array, and how many write it. */
  reading = 0;
  writing = 0;
  /** The array's uses on the next device, after a loss that it survives. */
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

  /** Call when the device is lost and the array will be restored on the next one. */
  succeed(): ArrayUsers {
    this.successor = new ArrayUsers(this.#onUnused);
    return this.successor;
  }
}

const successorsOf = (arrays: readonly ArrayUsers[]) => arrays.flatMap(({ successor }) => successor ?? []);

let lastOrder = 0;

/** The use that one run or access makes of all its arrays. */
export class ArrayUse {
  /** Rises with each call. A renewed use keeps the number of the old one. */
  readonly #order: number;
  /**
   * Whether it may be renewed: everything it needs is on the host or in arrays that survive. The run keeps this up to
   * date.
   */
  isRepeatable = false;
  readonly #subject: string;
  readonly #arrays: readonly ArrayUsers[];
  readonly #caller: Caller;
  /** The earlier uses that had not come to the queue when this one was called. */
  readonly #before: readonly ArrayUse[];
  #state: "called" | "queued" | "gathered" | "submitted" | "over" = "called";
  /** Whether later uses no longer wait for this one. A use that is over counts as come once the earlier ones have. */
  #hasCome = false;
  readonly #onCome: (() => void)[] = [];
  /** The arrays that it may write; once the run is planned, those that it does write. */
  #written: readonly ArrayUsers[];
  #spoiled: ComputeError | undefined;
  #renewed: ArrayUse | undefined;

  /**
   * Takes its position in the order.
   * @param subject The start of a sentence in errors.
   * @param arrays Each array once.
   * @param written The arrays that it may write, each also in `arrays`.
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
   * Renews every use of the `lost` arrays that may be repeated, in the order of their calls. The others fail, and with
   * them the uses that depend on them.
   * @param reason The loss, with which the others fail.
   */
  static renewAll(lost: readonly ArrayUsers[], reason: ComputeError): void {
    const uses = [...new Set(lost.flatMap(({ all }) => [...all]))].sort((a, b) => a.#order - b.#order);
    // How much of a submission ran on a lost device is never known.
    for (const use of uses) if (use.#state === "submitted") use.#state = "gathered";
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

  /** The use that has replaced it after all losses so far; `undefined` if it was not renewed. */
  get renewed(): ArrayUse | undefined {
    return this.#renewed?.renewed ?? this.#renewed;
  }

  /**
   * The reason if it must not run: an earlier use failed, and this one depends on what that would have written.
   */
  get spoiled(): ComputeError | undefined {
    return this.#spoiled;
  }

  /** Call as soon as it is known which arrays the run writes. */
  writes(written: readonly ArrayUsers[]): void {
    this.#written = written;
  }

  /**
   * The only way to the queue. Waits until every earlier use has come there, then calls `enqueue`. The use is over when
   * that settles.
   * @param enqueue Puts the run into the queue, and resolves with its results.
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

  /** Resolves when the earlier uses have come to the queue; returns `undefined` if they have. */
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
   * Whether it must stay in the queue: it conflicts with a gathered or submitted use, or shares an array with a use
   * that is held back before it. If so, its arrays are added to `held`.
   */
  isHeldBack(held: Set<ArrayUsers>): boolean {
    if (!this.#conflicts() && !this.#arrays.some((array) => held.has(array))) return false;
    for (const array of this.#arrays) held.add(array);
    return true;
  }

  /** Whether a gathered or submitted use reads what this one writes, or writes what this one uses. */
  #conflicts(): boolean {
    return this.#arrays.some((array) => array.writing > 0 || (array.reading > 0 && this.#written.includes(array)));
  }

  /** A batch has gathered it. */
  start(): void {
    if (this.#state === "queued") this.#state = "gathered";
    this.#count(1);
  }

  /** The batch is submitted. */
  commit(): void {
    if (this.#state === "gathered") this.#state = "submitted";
  }

  /** Its submission has ended, or has not run. */
  settle(): void {
    if (this.#state !== "over") this.#state = "queued";
    this.#count(-1);
  }

  /** Its caller has left. A use that is not submitted yet never will be. */
  #leave(reason: ComputeError): void {
    if (this.#state === "submitted" || this.#state === "over") return;
    this.#state = "over";
    this.#close(reason);
  }

  /**
   * Ends the use; only the first call counts. A failure also rejects later uses of the arrays it would have written, up
   * to those made before its caller could see it.
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
    // Later uses that wait for this one must still wait for the earlier ones.
    const turn = this.#turn();
    if (turn) turn.then(() => this.#come());
    else this.#come();
  }

  /** Spoils the later uses of the arrays it would have written. None of them has been submitted. */
  fail(failure: unknown): void {
    // In a chain of dependent uses, the first failure is the one that explains the rest.
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
      `${this.#subject} depends on an earlier write to a resident array, which failed: ${cause.message}`,
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
