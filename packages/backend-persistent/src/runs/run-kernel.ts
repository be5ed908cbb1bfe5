import type { Bindings, Kernel } from "@kiln-gpu/core";
import {
  type Caller,
  checkProfileName,
  emptyResults,
  RunClock,
  type TakenRun,
  withProfile,
} from "@kiln-gpu/core/backend";
import type { DeviceSession } from "../device/device-session.js";
import { ArrayUse, type ArrayUsers } from "../memory/array-use.js";
import type { ResidentMemory } from "../memory/resident-memory.js";
import { type Claimed, TakenMemory } from "../memory/staged-memory.js";
import type { LoadedKernel } from "../programs/pipeline-cache.js";
import { arraysMaybeWritten, arraysWrittenBy, enqueueInOrder, usersOf } from "../submission/array-access.js";
import { kernelRun } from "../submission/ready-run.js";

/** The tries of one run. */
export interface Attempt {
  readonly caller: Caller;
  /** The resident arrays that it binds, and its staged memory; claimed when it was asked for. */
  readonly arrays: readonly ResidentMemory[] | undefined;
  readonly staged: readonly Claimed[] | undefined;
  /** How many losses of the device it may survive. */
  readonly maxRetries: number;
  /** How many were lost with their device. */
  retries: number;
  /** Whether a loss leaves all that another try needs. */
  isRepeatable: boolean;
  /** Its place in the order of the arrays that it binds, in the latest of its tries. */
  use: ArrayUse | undefined;
}

/** A run, from its check to its results. */
export async function runKernel(
  session: DeviceSession,
  { kernel, bindings, size, options: { profile, timeoutMs } }: TakenRun,
  attempt: Attempt,
): Promise<object> {
  const { programs, specializer, staging, submissions } = session;
  const { caller, retries, arrays, staged } = attempt;
  const clock = caller.trace?.clock ?? (profile ? new RunClock() : undefined);
  const profiled = profile ? clock : undefined;
  clock?.skip();
  if (profile) checkProfileName(`Kernel "${kernel.label}"`, bindings);
  // Before anything is begun that rejects by itself: this may throw.
  const users = arrays?.map((array) => array.usersOn(session.arrays, `Kernel "${kernel.label}"`));
  const choice = kernel.tunable ? specializer.choose(kernel, bindings) : kernel;
  const known = choice instanceof Promise ? undefined : programs.peek(choice);
  attempt.use = attempt.use?.renewed ?? (users && useOf(kernel, bindings, users, known, caller));
  const { use } = attempt;
  setRepeatable(attempt, !staged);
  let taken: TakenMemory | undefined;
  try {
    const loaded = known ?? (await programs.load(await choice));
    const plan = loaded.planner.plan(bindings, size);
    const written = arraysWrittenBy(plan);
    use?.writes(usersOf(written));
    if (plan.isEmpty) return profiled ? withProfile(emptyResults(plan), profiled.profile()) : emptyResults(plan);
    taken = staged && new TakenMemory(plan, staged);
    const { dispatches } = plan;
    const pipelines = programs.peekPipelines(loaded, dispatches) ?? (await programs.pipelines(loaded, dispatches));
    clock?.lap("pipeline");
    const isTimed = timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY;
    const parts = { plan, pipelines, staged: taken, arrayUse: use, caller, clock: profiled };
    // A run that was lost with its device may have been the cause.
    const run = kernelRun(session.holders, parts, !isTimed && retries === 0);
    if (!use) return await submissions.enqueue(run);
    // Nothing of it has come to the arrays, and nothing of it may.
    if (session.open.loss) throw session.open.loss;
    for (const array of written) array.outdateCopy();
    setRepeatable(attempt, !staged && written.length === 0);
    return await enqueueInOrder(session, use, written, run);
  } catch (error) {
    use?.end(error);
    throw error;
  } finally {
    session.trimLater();
    taken?.giveBack(staging);
  }
}

/** Takes the run's place in the order of its arrays. */
function useOf(
  kernel: Kernel,
  bindings: Bindings,
  users: readonly ArrayUsers[],
  known: LoadedKernel | undefined,
  caller: Caller,
): ArrayUse {
  const written = usersOf(arraysMaybeWritten(kernel, known, bindings));
  return new ArrayUse(`The run of kernel "${kernel.label}"`, users, written, caller);
}

function setRepeatable(attempt: Attempt, isRepeatable: boolean): void {
  attempt.isRepeatable = isRepeatable;
  if (attempt.use) attempt.use.isRepeatable = isRepeatable && attempt.retries < attempt.maxRetries;
}
