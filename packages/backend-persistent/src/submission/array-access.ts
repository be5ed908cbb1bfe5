/**
 * Brings the uses of resident arrays to the queue in the order of their calls, whether a run, a replay, or a read,
 * write or copy makes them.
 */
import { type Bindings, ComputeError, isComputeError, type Kernel, type ResidentArray } from "@kiln-gpu/core";
import { mayWrite, type RunLedger, type RunPlan, roleOf } from "@kiln-gpu/core/backend";
import { ArrayUse, type ArrayUsers } from "../memory/array-use.js";
import type { Holders } from "../memory/holders.js";
import { type ArrayAccess, type ArrayOwner, type ForeignUse, ResidentMemory } from "../memory/resident-memory.js";
import type { LoadedKernel } from "../programs/pipeline-cache.js";
import { accessRun, type ReadyRun } from "./ready-run.js";
import type { SubmissionQueue } from "./submission-queue.js";

/** The parts of a session that an access goes through. */
export interface ArrayPath {
  readonly runs: RunLedger;
  readonly submissions: SubmissionQueue;
  readonly holders: Holders;
  /** Called after an access has given memory back. */
  trimLater(): void;
}

/**
 * Claims the resident arrays among `bindings`: all of them, or none if one is refused.
 * @throws {ComputeError} `invalid-binding`, `device-lost`.
 */
export function claimArrays(
  owner: ArrayOwner,
  subject: string,
  bindings: Bindings,
): readonly ResidentMemory[] | undefined {
  let claimed: ResidentMemory[] | undefined;
  for (const name in bindings) {
    const value = bindings[name];
    if (roleOf(value) !== "resident") continue;
    claimed ??= [];
    try {
      if (claimed.includes(value as ResidentMemory)) continue;
      claimed.push(ResidentMemory.claim(value as ResidentArray, owner, subject, name));
    } catch (error) {
      unclaimArrays(claimed);
      throw error;
    }
  }
  return claimed;
}

export function unclaimArrays(claimed: readonly ResidentMemory[]): void {
  for (const array of claimed) array.unclaim();
}

/** The arrays among `bindings` that a run of `kernel` may write, as far as that is known before the plan. */
export function arraysMaybeWritten(
  kernel: Kernel,
  loaded: LoadedKernel | undefined,
  bindings: Bindings,
): readonly ResidentMemory[] {
  const written: ResidentMemory[] = [];
  for (const name in bindings) {
    const value: unknown = bindings[name];
    if (value instanceof ResidentMemory && mayWrite(kernel, loaded?.interfaces, name)) written.push(value);
  }
  return written;
}

/** The resident arrays that the plan's passes write. */
export function arraysWrittenBy({ resources }: RunPlan): ResidentMemory[] {
  const written: ResidentMemory[] = [];
  for (const { resident, access } of resources) {
    if (resident && access !== "read") written.push(resident as ResidentMemory);
  }
  return written;
}

/** Reads, writes, copies or clears arrays. */
export function performAccess(path: ArrayPath, access: ArrayAccess): Promise<object> {
  const { subject, arrays, written } = access;
  return path.runs.startTask(subject, {}, async (caller) => {
    const use = new ArrayUse(subject, usersOf(arrays), usersOf(written), caller);
    try {
      return await enqueueInOrder(path, use, written, accessRun(path.holders, access, use, caller));
    } finally {
      path.trimLater();
    }
  });
}

/** Lends an array to the commands of a caller, in a submission of their own: they may fail, and run once. */
export function performUse(path: ArrayPath, { subject, array, isWriting, record }: ForeignUse): Promise<unknown> {
  const written = isWriting ? [array] : [];
  return path.runs.startTask(subject, {}, async (caller) => {
    const use = new ArrayUse(subject, usersOf([array]), usersOf(written), caller);
    let returned: unknown;
    let isHeld = false;
    const access: ArrayAccess = {
      subject,
      arrays: [array],
      written,
      resources: [],
      isAlone: true,
      record(encoder) {
        returned = called(subject, () => record(encoder));
        if (!isThenable(returned)) return;
        // The submission counts it as well, and may end earlier.
        use.start();
        isHeld = true;
        // If the submission fails, nothing else handles its rejection.
        returned.then(undefined, () => undefined);
      },
    };
    const run = accessRun(path.holders, access, use, caller);
    try {
      return await use.happen(async () => {
        try {
          await path.submissions.enqueue(run);
          return await returned;
        } catch (error) {
          const failure = ownError(subject, error);
          // Before any batch can gather what depends on it.
          use.fail(failure);
          throw failure;
        } finally {
          if (isHeld) {
            use.settle();
            path.submissions.schedule();
          }
        }
      });
    } finally {
      path.trimLater();
    }
  });
}

function called<T>(subject: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw ownError(subject, error);
  }
}

/** The error for what a caller's own function has thrown. */
function ownError(subject: string, cause: unknown): unknown {
  if (isComputeError(cause)) return cause;
  const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new ComputeError("invalid-option", `${subject}: its function threw ${what}`, { cause });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function";
}

/** Puts `run` into the queue once every earlier use of its arrays is there. The run writes the arrays `written`. */
export function enqueueInOrder(
  { submissions }: ArrayPath,
  use: ArrayUse,
  written: readonly ResidentMemory[],
  run: ReadyRun,
): Promise<object> {
  use.writes(usersOf(written));
  return use.happen(() => submissions.enqueue(run));
}

/** The uses of each of `arrays`, on the device that holds it. */
export function usersOf(arrays: readonly ResidentMemory[]): ArrayUsers[] {
  return arrays.map(({ users }) => users);
}
