import { openPersistentBackend, type PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { type DeviceInfo, output } from "@kiln-gpu/core";
import { Planner } from "@kiln-gpu/core/backend";
import { fieldAddSpirv } from "@kiln-gpu/kernels";
import { interfacesOf, loadKernel } from "@kiln-gpu/shader";
import { ShaderCache } from "@kiln-gpu/shader-cache";
import { checkResult } from "../check-result.js";
import { randomFields } from "../fields.js";
import { type Timing, timingOf } from "../statistics.js";

/** The time in which a warm run finds its compiled programs. */
export interface LookUp {
  /** From a kernel to its pipelines, by the digest from when it was loaded. A sample is the mean of a thousand. */
  readonly pipelines: Timing;
  /** The same with the plan of the run, which is found by the shape of its bindings and filled with them. */
  readonly withPlan: Timing;
  /** The phase in the profile of a run: between waits for the device, and with two readings of the clock. */
  readonly inRuns: Timing;
}

const length = 64;
const perSample = 1000;
const samples = 200;

export async function measureLookUp(
  open: PersistentBackendOptions,
  { limits }: DeviceInfo,
  runs: number,
): Promise<LookUp> {
  return { ...(await measureAlone(limits)), inRuns: await measureInRuns(open, runs) };
}

/** The look-ups of a run, with the same classes. */
async function measureAlone(limits: DeviceInfo["limits"]): Promise<Pick<LookUp, "pipelines" | "withPlan">> {
  const { a, b } = randomFields(length);
  const programs = await loadKernel(fieldAddSpirv);
  const planner = new Planner(fieldAddSpirv, interfacesOf(programs), limits);
  const [program] = Object.keys(programs);
  const address = { whole: "0".repeat(64), split: "1".repeat(64) };
  const loaded = new WeakMap([[fieldAddSpirv, { planner, addresses: new Map([[program!, address]]) }]]);
  const pipelines = new ShaderCache<object>();
  await pipelines.get(address.whole, async () => ({}));
  const bindings = () => ({ a, b, c: output(Float32Array, length) });
  const kept = planner.plan(bindings());
  const find = (isPlanned: boolean) => {
    const kernel = loaded.get(fieldAddSpirv)!;
    const plan = isPlanned ? kernel.planner.plan(bindings()) : kept;
    const found: unknown[] = [];
    for (const { program: name, split } of plan.dispatches) {
      found.push(pipelines.peek(kernel.addresses.get(name)![split ? "split" : "whole"]));
    }
    return found;
  };
  const measure = (isPlanned: boolean) => {
    if (find(isPlanned)[0] === undefined) throw new Error("A kept pipeline was not found.");
    const timesMs: number[] = [];
    // In the first half V8 optimizes the code.
    for (let sample = 0; sample < 2 * samples; sample += 1) {
      const startMs = performance.now();
      for (let i = 0; i < perSample; i += 1) find(isPlanned);
      if (sample >= samples) timesMs.push((performance.now() - startMs) / perSample);
    }
    return timingOf(timesMs);
  };
  return { pipelines: measure(false), withPlan: measure(true) };
}

async function measureInRuns(open: PersistentBackendOptions, runs: number): Promise<Timing> {
  await using backend = await openPersistentBackend(open);
  const { a, b, expected } = randomFields(length);
  const timesMs: number[] = [];
  for (let i = 0; i < 2 * runs; i += 1) {
    const { c, profile } = await backend.run(
      fieldAddSpirv,
      { a, b, c: output(Float32Array, length) },
      { profile: true },
    );
    if (i === 0 || i === runs) checkResult("Field add", expected, c);
    if (i >= runs) timesMs.push(profile.pipelineMs);
  }
  return timingOf(timesMs);
}
