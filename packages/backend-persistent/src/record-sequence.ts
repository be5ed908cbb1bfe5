import {
  type Parameters,
  planSequence,
  type RecordRun,
  type References,
  type RunPlan,
  recordRuns,
} from "@kiln-gpu/core";
import { residentsOf } from "./array-access.js";
import type { DeviceSession } from "./device-session.js";
import type { StoredProgram } from "./program-store.js";
import { RecordedSequence } from "./recorded-sequence.js";
import type { ArrayOwner } from "./resident-memory.js";

/**
 * Takes down the runs that `build` asks for, compiles what they run, and makes what their replays share.
 * @throws {ComputeError} What `RecordsSequences.record` throws.
 */
export async function recordSequence<P extends Parameters>(
  session: DeviceSession,
  owner: ArrayOwner,
  label: string,
  parameters: P,
  build: (run: RecordRun, references: References<P>) => void,
): Promise<RecordedSequence<P>> {
  const { programs, specializer, arrays } = session;
  // Its object is the caller's, who may change what is in it.
  const own = { ...parameters };
  const runs = recordRuns(label, own, build);
  const plans: RunPlan[] = [];
  const pipelines: StoredProgram[] = [];
  for (const { kernel: asked, bindings, workgroups } of runs) {
    residentsOf(arrays, asked.label, bindings);
    const kernel = asked.tunable ? await specializer.choose(asked, bindings) : asked;
    const loaded = programs.peek(kernel) ?? (await programs.load(kernel));
    const plan = loaded.planner.plan(bindings, workgroups);
    plans.push(plan);
    const { dispatches } = plan;
    pipelines.push(...(programs.peekPipelines(loaded, dispatches) ?? (await programs.pipelines(loaded, dispatches))));
  }
  return await RecordedSequence.make(session, owner, own, planSequence(label, runs, plans), pipelines);
}
