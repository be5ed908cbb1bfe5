import { openPersistentBackend, type PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { type DeviceInfo, output, Planner } from "@kiln-gpu/core";
import { fieldAddSpirv } from "@kiln-gpu/kernels";
import { interfacesOf, loadKernel } from "@kiln-gpu/shader";
import { ShaderCache } from "@kiln-gpu/shader-cache";
import { checkResult } from "../check-result.js";
import { randomFields } from "../fields.js";
import { type Timing, timingOf } from "../statistics.js";

/** What a warm run takes to find its kernel, its plan and its pipelines. */
export interface LookUp {
  /** Again and again, a thousand for each sample: of one. */
  readonly alone: Timing;
  /** The phase of a run, as its profile tells: between waits for the device, with two looks at the clock. */
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
  return { alone: await measureAlone(limits), inRuns: await measureInRuns(open, runs) };
}

/** The same look-ups as a run's, in the same classes. */
async function measureAlone(limits: DeviceInfo["limits"]): Promise<Timing> {
  const { a, b } = randomFields(length);
  const programs = await loadKernel(fieldAddSpirv);
  const planner = new Planner(fieldAddSpirv, interfacesOf(programs), limits);
  const [program] = Object.keys(programs);
  const address = { whole: "0".repeat(64), split: "1".repeat(64) };
  const loaded = new WeakMap([[fieldAddSpirv, { planner, addresses: new Map([[program!, address]]) }]]);
  const pipelines = new ShaderCache<object>();
  await pipelines.get(address.whole, async () => ({}));
  const find = () => {
    const kernel = loaded.get(fieldAddSpirv)!;
    const plan = kernel.planner.plan({ a, b, c: output(Float32Array, length) });
    const found: unknown[] = [];
    for (const { program: name, split } of plan.dispatches) {
      found.push(pipelines.peek(kernel.addresses.get(name)![split ? "split" : "whole"]));
    }
    return found;
  };
  if (find().length !== 1 || find()[0] === undefined) throw new Error("A pipeline that is kept was not found.");
  const timesMs: number[] = [];
  // The first half lets the engine compile what it will.
  for (let sample = 0; sample < 2 * samples; sample += 1) {
    const startMs = performance.now();
    for (let i = 0; i < perSample; i += 1) find();
    if (sample >= samples) timesMs.push((performance.now() - startMs) / perSample);
  }
  return timingOf(timesMs);
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
