import {
  type Caller,
  checkProfileName,
  emptyResults,
  RunClock,
  type RunLedger,
  type TakenRun,
  withProfile,
} from "@kiln-gpu/core/backend";
import type { DeviceSession } from "../device/device-session.js";
import { ArrayUse, type ArrayUsers } from "../memory/array-use.js";
import type { ArrayOwner, ResidentMemory } from "../memory/resident-memory.js";
import { claimStaged, type StagedBinding, StagedInputs } from "../memory/staged-memory.js";
import type { LoadedKernel } from "../programs/pipeline-cache.js";
import {
  arraysMaybeWritten,
  arraysWrittenBy,
  claimArrays,
  enqueueInOrder,
  unclaimArrays,
  usersOf,
} from "../submission/array-access.js";
import { kernelRun } from "../submission/ready-run.js";
import type { RepeatableWork } from "./repeat-after-loss.js";

export interface RetryParts {
  /** Counts the retries. */
  readonly runs: RunLedger;
  /** How many losses of its device a run survives. */
  readonly lossRetries: number;
}

/**
 * One run of a kernel, through all of its attempts. From its call to its end it claims the resident arrays and the
 * staged memory that it binds.
 */
export class KernelRun implements RepeatableWork<object> {
  readonly #run: TakenRun;
  readonly #caller: Caller;
  readonly #parts: RetryParts;
  readonly #arrays: readonly ResidentMemory[] | undefined;
  readonly #staged: readonly StagedBinding[] | undefined;
  #retries = 0;
  /** Whether everything that another attempt needs would survive a loss of the device. */
  #isRepeatable = true;
  /** The use that the latest attempt makes of the arrays. */
  #use: ArrayUse | undefined;

  /** @throws {ComputeError} `invalid-binding`, `device-lost`. */
  constructor(owner: ArrayOwner, run: TakenRun, caller: Caller, parts: RetryParts) {
    this.#run = run;
    this.#caller = caller;
    this.#parts = parts;
    const { kernel, bindings } = run;
    this.#arrays = claimArrays(owner, `Kernel "${kernel.label}"`, bindings);
    try {
      this.#staged = claimStaged(owner, "Kernel", kernel.label, bindings);
    } catch (error) {
      if (this.#arrays) unclaimArrays(this.#arrays);
      throw error;
    }
  }

  async attempt(session: DeviceSession): Promise<object> {
    const { programs, specializer, staging, submissions } = session;
    const { kernel, bindings, size, options } = this.#run;
    const { profile, timeoutMs } = options;
    const caller = this.#caller;
    const staged = this.#staged;
    const clock = caller.trace?.clock ?? (profile ? new RunClock() : undefined);
    const profiled = profile ? clock : undefined;
    clock?.skip();
    if (profile) checkProfileName(`Kernel "${kernel.label}"`, bindings);
    // This may throw, so it comes before anything that would then reject unheard.
    const users = this.#arrays?.map((array) => array.usersOn(session.arrays, `Kernel "${kernel.label}"`));
    const choice = kernel.tunable ? specializer.choose(kernel, bindings) : kernel;
    const known = choice instanceof Promise ? undefined : programs.peek(choice);
    this.#use = this.#use?.renewed ?? (users && this.#useOf(users, known));
    const use = this.#use;
    this.#setRepeatable(!staged);
    let taken: StagedInputs | undefined;
    try {
      const loaded = known ?? (await programs.load(await choice));
      const plan = loaded.planner.plan(bindings, size);
      const written = arraysWrittenBy(plan);
      use?.writes(usersOf(written));
      if (plan.isEmpty) return profiled ? withProfile(emptyResults(plan), profiled.profile()) : emptyResults(plan);
      taken = staged && new StagedInputs(plan, staged);
      const { dispatches } = plan;
      const pipelines = programs.peekPipelines(loaded, dispatches) ?? (await programs.pipelines(loaded, dispatches));
      clock?.lap("pipeline");
      const isTimed = timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY;
      const parts = { plan, pipelines, staged: taken, arrayUse: use, caller, clock: profiled };
      // A run that was lost with its device goes alone: it may have caused the loss.
      const run = kernelRun(session.holders, parts, !isTimed && this.#retries === 0);
      if (!use) return await submissions.enqueue(run);
      // The run has not touched the arrays yet, and now must not.
      if (session.open.loss) throw session.open.loss;
      for (const array of written) array.outdateCopy();
      this.#setRepeatable(!staged && written.length === 0);
      return await enqueueInOrder(session, use, written, run);
    } catch (error) {
      use?.end(error);
      throw error;
    } finally {
      taken?.giveBack(staging);
    }
  }

  beginAgain(): boolean {
    if (!this.#isRepeatable || this.#retries >= this.#parts.lossRetries) return false;
    if (this.#use?.spoiled) throw this.#use.spoiled;
    this.#retries += 1;
    this.#parts.runs.countRetry();
    return true;
  }

  end(failure: unknown): void {
    // After a loss the use may have been renewed for an attempt that then was not made.
    this.#use?.renewed?.end(failure);
    // Staged memory that the run has taken is no longer its caller's; this returns the rest.
    if (this.#staged) for (const { staged } of this.#staged) staged.unclaim();
    if (this.#arrays) unclaimArrays(this.#arrays);
  }

  /** Takes the run's position in the order of its arrays. */
  #useOf(users: readonly ArrayUsers[], known: LoadedKernel | undefined): ArrayUse {
    const { kernel, bindings } = this.#run;
    const written = usersOf(arraysMaybeWritten(kernel, known, bindings));
    return new ArrayUse(`The run of kernel "${kernel.label}"`, users, written, this.#caller);
  }

  #setRepeatable(isRepeatable: boolean): void {
    this.#isRepeatable = isRepeatable;
    if (this.#use) this.#use.isRepeatable = isRepeatable && this.#retries < this.#parts.lossRetries;
  }
}
