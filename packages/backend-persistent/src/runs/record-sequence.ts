import type { Parameters } from "@kiln-gpu/core";
import { planSequence, type RecordedRun, type RunPlan } from "@kiln-gpu/core/backend";
import type { DeviceSession } from "../device/device-session.js";
import type { ArrayOwner } from "../memory/resident-memory.js";
import type { CachedPipeline } from "../programs/pipeline-cache.js";
import { claimArrays, unclaimArrays } from "../submission/array-access.js";
import { RecordedSequence } from "./recorded-sequence.js";

/** The arguments of a call of `record`, as they were at the call. */
export interface Recording<P extends Parameters> {
  readonly label: string;
  readonly parameters: P;
  readonly runs: readonly RecordedRun[];
}

/**
 * Compiles the programs of the recorded runs, and creates what their replays share.
 * @throws {ComputeError} As `RecordsSequences.record`.
 */
export async function recordSequence<P extends Parameters>(
  session: DeviceSession,
  owner: ArrayOwner,
  { label, parameters, runs }: Recording<P>,
): Promise<RecordedSequence<P>> {
  const { programs, specializer } = session;
  const plans: RunPlan[] = [];
  const pipelines: CachedPipeline[] = [];
  for (const { kernel: asked, bindings, size } of runs) {
    const claimed = claimArrays(owner, `Kernel "${asked.label}"`, bindings);
    if (claimed) unclaimArrays(claimed);
    const kernel = asked.tunable ? await specializer.choose(asked, bindings) : asked;
    const loaded = programs.peek(kernel) ?? (await programs.load(kernel));
    const plan = loaded.planner.plan(bindings, size);
    plans.push(plan);
    const { dispatches } = plan;
    pipelines.push(...(programs.peekPipelines(loaded, dispatches) ?? (await programs.pipelines(loaded, dispatches))));
  }
  return await RecordedSequence.make(session, owner, parameters, planSequence(label, runs, plans), pipelines);
}
