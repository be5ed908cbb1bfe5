import {
  type Bindings,
  type Caller,
  checkProfileName,
  emptyResults,
  type Kernel,
  RunClock,
  type RunOptions,
  withProfile,
} from "@kiln-gpu/core";
import { arraysWrittenBy, enqueueInOrder, residentsOf } from "./array-access.js";
import { ArrayUse } from "./array-use.js";
import type { DeviceSession } from "./device-session.js";
import { hasLease } from "./leased-downloads.js";
import { claimStaged, TakenMemory } from "./staged-memory.js";

/** The tries of one run. */
export interface Attempt {
  readonly caller: Caller;
  /** How many losses of the device it may survive. */
  readonly maxRetries: number;
  /** How many were lost with their device; after one the run goes alone, for it may have been the cause. */
  retries: number;
  /** Whether a loss leaves all that another try needs. */
  isRepeatable: boolean;
  /** Its place in the order of the arrays that it binds, in the latest of its tries. */
  use: ArrayUse | undefined;
}

/** A run, from its check to its results. */
export async function runKernel<B extends Bindings>(
  session: DeviceSession,
  kernel: Kernel<B>,
  bindings: B,
  { workgroups, profile, timeoutMs }: RunOptions,
  attempt: Attempt,
): Promise<object> {
  const { programs, specializer, staging, submissions } = session;
  const { caller, retries } = attempt;
  const clock = caller.trace?.clock ?? (profile ? new RunClock() : undefined);
  const profiled = profile ? clock : undefined;
  clock?.skip();
  if (profile) checkProfileName(`Kernel "${kernel.label}"`, bindings);
  const arrays = residentsOf(session.arrays, kernel.label, bindings);
  const claimed = claimStaged(staging, "Kernel", kernel.label, bindings);
  attempt.use = attempt.use?.renewed ?? (arrays && new ArrayUse(`The run of kernel "${kernel.label}"`, arrays, caller));
  const { use } = attempt;
  setRepeatable(attempt, !claimed);
  let taken: TakenMemory | undefined;
  try {
    const choice = kernel.tunable ? specializer.choose(kernel, bindings) : kernel;
    const chosen = choice instanceof Promise ? await choice : choice;
    const loaded = programs.peek(chosen) ?? (await programs.load(chosen));
    const plan = loaded.planner.plan(bindings, workgroups);
    if (plan.isEmpty) return profiled ? withProfile(emptyResults(plan), profiled.profile()) : emptyResults(plan);
    taken = claimed && new TakenMemory(plan, claimed);
    const { dispatches } = plan;
    const pipelines = programs.peekPipelines(loaded, dispatches) ?? (await programs.pipelines(loaded, dispatches));
    clock?.lap("pipeline");
    // A batch that is refused is submitted again, and staged memory serves one submission; a lease keeps all of a batch's results mapped.
    const isLeased = hasLease(plan);
    const call = isLeased ? session.holders.callOf(`The run of kernel "${kernel.label}"`) : undefined;
    const alone = profiled !== undefined || timeoutMs !== undefined || taken !== undefined || isLeased || retries > 0;
    const run = { plan, pipelines, taken, use, record: undefined, recorded: undefined, caller, call, clock: profiled };
    if (!use) return await submissions.enqueue(run, alone);
    // Nothing of it has come to the arrays, and nothing of it may.
    if (session.open.loss) throw session.open.loss;
    const written = arraysWrittenBy(plan);
    for (const array of written) array.outdateCopy();
    setRepeatable(attempt, !claimed && written.length === 0);
    return await enqueueInOrder(session, use, written, run, alone);
  } catch (error) {
    use?.end(error);
    throw error;
  } finally {
    session.trimLater();
    if (taken) taken.giveBack(staging);
    else if (claimed) for (const { staged } of claimed) staged.unclaim();
  }
}

function setRepeatable(attempt: Attempt, isRepeatable: boolean): void {
  attempt.isRepeatable = isRepeatable;
  if (attempt.use) attempt.use.isRepeatable = isRepeatable && attempt.retries < attempt.maxRetries;
}
