import type { Caller, RunClock, RunPlan } from "@kiln-gpu/core/backend";
import type { ArrayUse } from "../memory/array-use.js";
import type { Holders } from "../memory/holders.js";
import type { ArrayAccess } from "../memory/resident-memory.js";
import type { StagedInputs } from "../memory/staged-memory.js";
import type { CachedPipeline } from "../programs/pipeline-cache.js";
import type { BatchTemplate } from "./batch-template.js";

/** A run that is ready to be submitted: a run of a kernel, a replay of a sequence, or an access to resident arrays. */
export interface ReadyRun {
  /** The start of a sentence in an error: `Kernel "blur"`. */
  readonly subject: string;
  readonly plan: RunPlan;
  /** By dispatch. Empty for a replay: its template has bound them. */
  readonly pipelines: readonly CachedPipeline[];
  /** The staged memory that it binds, by resource. */
  readonly staged: StagedInputs | undefined;
  /** Its use of the resident arrays that it binds. */
  readonly arrayUse: ArrayUse | undefined;
  /** Commands of its own, in place of dispatches. */
  readonly record: ((encoder: GPUCommandEncoder) => void) | undefined;
  /** The template of its sequence. Any other run gets one by its shape. */
  readonly template: BatchTemplate | undefined;
  readonly caller: Caller;
  /** Whether it shares its submission with no other run. */
  readonly isAlone: boolean;
  /**
   * Names the source of its leases, such as `kernel "blur"`. `undefined` for an access, whose results have the name of
   * their array.
   */
  readonly leaseSource: string | undefined;
  /** The call that asked for it, if it leases results: the report of a dropped lease shows it. */
  readonly callSite: Error | undefined;
  /** Of a profiled run. */
  readonly clock: RunClock | undefined;
}

type Given<Names extends keyof ReadyRun> = Pick<ReadyRun, "plan" | "caller" | Names>;

// Each of the three functions writes out every member. Spreading objects would add more than a microsecond to every
// warm run.

/** @param mayShare Whether the run may share its submission, as far as these facts allow it. */
export function kernelRun(
  holders: Holders,
  { plan, pipelines, staged, arrayUse, caller, clock }: Given<"pipelines" | "staged" | "arrayUse" | "clock">,
  mayShare: boolean,
): ReadyRun {
  const isLeased = hasLease(plan);
  const name = `kernel "${plan.label}"`;
  return {
    subject: `Kernel "${plan.label}"`,
    plan,
    pipelines,
    staged,
    arrayUse,
    record: undefined,
    template: undefined,
    caller,
    // Staged memory serves one submission, but the runs of a refused batch are submitted again. A lease would keep the
    // results of the whole batch mapped.
    isAlone: !mayShare || clock !== undefined || staged !== undefined || isLeased,
    leaseSource: name,
    callSite: isLeased ? holders.callOf(`The run of ${name}`) : undefined,
    clock,
  };
}

export function replayRun(
  holders: Holders,
  {
    plan,
    template,
    staged,
    arrayUse,
    caller,
    clock,
  }: Given<"staged" | "arrayUse" | "clock"> & { readonly template: BatchTemplate },
): ReadyRun {
  const name = `sequence "${plan.label}"`;
  return {
    subject: `Sequence "${plan.label}"`,
    plan,
    pipelines: [],
    staged,
    arrayUse,
    record: undefined,
    template,
    caller,
    isAlone: true,
    leaseSource: name,
    callSite: hasLease(plan) ? holders.callOf(`The replay of ${name}`) : undefined,
    clock,
  };
}

export function accessRun(holders: Holders, access: ArrayAccess, arrayUse: ArrayUse, caller: Caller): ReadyRun {
  const { subject, resources, record, isAlone = false } = access;
  const plan = { label: subject, resources, dispatches: [], isEmpty: false, bound: new Map(), shape: {} };
  const isLeased = hasLease(plan);
  return {
    subject,
    plan,
    pipelines: [],
    staged: undefined,
    arrayUse,
    record,
    template: undefined,
    caller,
    isAlone: isAlone || isLeased,
    leaseSource: undefined,
    callSite: isLeased ? holders.callOf(subject) : undefined,
    clock: undefined,
  };
}

/** Whether any result of a run is leased. */
function hasLease({ resources }: RunPlan): boolean {
  return resources.some(({ result }) => result?.isLeased);
}
