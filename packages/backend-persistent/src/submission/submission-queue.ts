import { ComputeError, isComputeError } from "@kiln-gpu/core";
import type { CommandPool, CommandSlot } from "@kiln-gpu/resource-pools";
import type { ArrayUsers } from "../memory/array-use.js";
import { type BatchContext, type BatchProgress, executeBatch, type SlotContents } from "./execute-batch.js";
import { type HangLimits, HangWatch } from "./hang-watch.js";
import type { ReadyRun } from "./ready-run.js";

/** A run that waits for its submission or its results. */
interface QueuedRun {
  readonly ready: ReadyRun;
  /** Whether it goes alone: as its facts say, or because it failed in a batch of several. */
  readonly isAlone: boolean;
  readonly byteLength: number;
  resolve(results: object): void;
  reject(error: unknown): void;
}

export interface QueueLimits extends HangLimits {
  /** Whether a run is submitted inside its call if a slot is free. */
  readonly isImmediate: boolean;
  readonly maxBatchRuns: number;
  readonly maxBatchByteLength: number;
  /** The multiple to which the size of each resource in a shared buffer is rounded up. */
  readonly alignment: number;
  /** Called when a submission does not end, with the loss that everything on the device is to reject with. */
  readonly onHang: (loss: ComputeError) => void;
}

/**
 * Gathers runs into batches. While a slot is free, the runs of one tick go together on the next microtask, or, in
 * `latency` mode, each run goes inside its call. While no slot is free, runs gather until one is. No run waits for
 * others while a slot is free.
 *
 * Invariant: a run that fails in a batch of several is submitted again alone, so a bad run rejects alone. But if the
 * batch may have run and writes arrays, or the device is lost, all of its runs reject.
 */
export class SubmissionQueue {
  readonly #context: BatchContext;
  readonly #slots: CommandPool<SlotContents>;
  readonly #limits: QueueLimits;
  readonly #inFlight: (readonly QueuedRun[])[] = [];
  readonly #watch: HangWatch;
  #queue: QueuedRun[] = [];
  #isScheduled = false;
  readonly #onMicrotask = () => {
    this.#isScheduled = false;
    this.#flush();
  };

  constructor(context: BatchContext, slots: CommandPool<SlotContents>, limits: QueueLimits) {
    this.#context = context;
    this.#slots = slots;
    this.#limits = limits;
    this.#watch = new HangWatch(limits, (runs, ms) => this.#hang(runs, ms));
  }

  /** Rejects every run, queued or in flight: a lost device may never answer. */
  lose(loss: ComputeError): void {
    this.#watch.end();
    for (const batch of [...this.#inFlight, this.#queue]) {
      for (const run of batch) run.reject(loss);
    }
    this.#queue = [];
  }

  /** Resolves with the run's results. A run whose caller leaves before its turn is not submitted. */
  enqueue(ready: ReadyRun): Promise<object> {
    // The queue of a lost device is never flushed.
    if (this.#context.open.loss) return Promise.reject(this.#context.open.loss);
    const { alignment } = this.#limits;
    let byteLength = 0;
    for (const { byteLength: bytes, resident, data, result } of ready.plan.resources) {
      if (!resident || data || result) byteLength += Math.ceil(bytes / alignment) * alignment;
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ ready, isAlone: ready.isAlone, byteLength, resolve, reject });
      if (this.#limits.isImmediate) this.#flush();
      else this.schedule();
    });
  }

  /** Whether the device works on anything. */
  get isWorking(): boolean {
    return this.#watch.isWatching;
  }

  stats(): { readonly waiting: number; readonly inFlight: number } {
    return { waiting: this.#queue.length, inFlight: this.#inFlight.length };
  }

  /** Submits what may be submitted, on the next microtask. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // `queueMicrotask` would create an async resource of Node for each call.
    nextMicrotask.then(this.#onMicrotask);
  }

  #flush(): void {
    while (this.#queue.length > 0) {
      const slot = this.#slots.tryAcquire();
      if (!slot) return;
      const batch = this.#takeBatch();
      if (batch.length === 0) {
        this.#slots.release(slot);
        return;
      }
      this.#submit(batch, slot);
    }
  }

  /**
   * Takes as many runs from the front of the queue as may go together. A run that is held back by its resident arrays
   * keeps its position.
   */
  #takeBatch(): QueuedRun[] {
    const batch: QueuedRun[] = [];
    let heldBack: QueuedRun[] | undefined;
    let heldArrays: Set<ArrayUsers> | undefined;
    let byteLength = 0;
    let taken = 0;
    for (const run of this.#queue) {
      const { caller, arrayUse } = run.ready;
      const refusal = caller.left ?? arrayUse?.spoiled;
      if (refusal) {
        reject(run, refusal);
      } else if (arrayUse?.isHeldBack((heldArrays ??= new Set()))) {
        (heldBack ??= []).push(run);
      } else {
        const fits =
          batch.length < this.#limits.maxBatchRuns && byteLength + run.byteLength <= this.#limits.maxBatchByteLength;
        if (batch.length > 0 && (run.isAlone || !fits)) break;
        batch.push(run);
        byteLength += run.byteLength;
      }
      taken += 1;
      if (batch.at(-1)?.isAlone) break;
    }
    if (heldBack) this.#queue = [...heldBack, ...this.#queue.slice(taken)];
    else if (taken === this.#queue.length) this.#queue = [];
    else this.#queue.splice(0, taken);
    for (const { ready } of batch) ready.arrayUse?.start();
    return batch;
  }

  /** Never rejects: a failure rejects the runs. */
  async #submit(batch: readonly QueuedRun[], slot: CommandSlot<SlotContents>): Promise<void> {
    this.#inFlight.push(batch);
    const runs = readyRunsOf(batch);
    const progress: BatchProgress = { isRepeatable: true };
    const { open, recorder } = this.#context;
    const trace = recorder?.beginSubmission(runs);
    open.beginWait();
    try {
      const results = await executeBatch(this.#context, runs, slot.contents, this.#watch, progress, trace);
      if (trace) recorder?.endSubmission(trace);
      for (let i = 0; i < batch.length; i += 1) {
        const result = results[i]!;
        if (isComputeError(result)) reject(batch[i]!, result);
        else batch[i]!.resolve(result);
      }
    } catch (error) {
      if (trace) recorder?.endSubmission(trace, { error });
      if (batch.length === 1 || !progress.isRepeatable || open.loss) {
        for (const run of batch) reject(run, error);
      } else {
        this.#queue.unshift(...batch.map((run) => ({ ...run, isAlone: true })));
      }
    } finally {
      open.endWait();
      this.#watch.delete(runs);
      if (this.#inFlight[0] === batch) this.#inFlight.shift();
      else this.#inFlight.splice(this.#inFlight.indexOf(batch), 1);
      for (let i = 0; i < batch.length; i += 1) batch[i]!.ready.arrayUse?.settle();
      this.#slots.release(slot);
      this.schedule();
    }
  }

  /** Abandons the device. The runs of the submission that holds it reject with `timeout`, all others with the loss. */
  #hang(runs: readonly ReadyRun[], ms: number): void {
    const { open } = this.#context;
    const subject = runs.length === 1 ? runs[0]!.subject : `A batch of ${runs.length} runs`;
    const said = `${subject} has not ended on the device within ${ms} ms`;
    const timeout = new ComputeError("timeout", `${said}; the device is abandoned.`);
    for (const batch of this.#inFlight) {
      for (const run of batch) if (runs.includes(run.ready)) reject(run, timeout);
    }
    this.#limits.onHang(new ComputeError("device-lost", `The device "${open.info.name}" is abandoned: ${said}.`));
  }
}

const nextMicrotask = Promise.resolve();

/** Rejects the run, and first spoils the uses that depend on it: a batch could gather one of those next. */
function reject(run: QueuedRun, error: unknown): void {
  run.ready.arrayUse?.fail(error);
  run.reject(error);
}

function readyRunsOf(batch: readonly QueuedRun[]): ReadyRun[] {
  const runs: ReadyRun[] = [];
  for (let i = 0; i < batch.length; i += 1) runs.push(batch[i]!.ready);
  return runs;
}
