/**
 * One submission from its memory to its results, in a straight line. It knows nothing of the queue or of retries.
 *
 * Invariant: whatever fails, everything that was acquired is given back, or is held by a lease.
 */
import { ComputeError, type TypedArray } from "@kiln-gpu/core";
import { RunClock, type SubmissionTrace, type TraceRecorder, withProfile } from "@kiln-gpu/core/backend";
import type { BufferPool, BufferRequest, DescriptorPool, StagingPool } from "@kiln-gpu/resource-pools";
import {
  createDeviceTimer,
  type DeviceTimer,
  deviceError,
  inErrorScope,
  type OpenDevice,
  submissionError,
} from "@kiln-gpu/webgpu";
import type { Holders } from "../memory/holders.js";
import { memoryError } from "../memory/memory-error.js";
import type { ResidentMemory } from "../memory/resident-memory.js";
import { Batch, subjectOf } from "./batch.js";
import type { BatchTemplates } from "./batch-templates.js";
import type { HangWatch } from "./hang-watch.js";
import { LeasedDownloads } from "./leased-downloads.js";
import { poison } from "./poison.js";
import type { ReadyRun } from "./ready-run.js";
import { recordCommands } from "./record-commands.js";
import { readResults, writeInputs } from "./transfer.js";

/** The parts of a session that batches use. */
export interface BatchContext {
  readonly open: OpenDevice;
  readonly buffers: BufferPool;
  readonly staging: StagingPool;
  readonly descriptors: DescriptorPool;
  readonly templates: BatchTemplates;
  readonly counts: { submissions: number };
  readonly recorder: TraceRecorder | undefined;
  readonly holders: Holders;
  /**
   * Host memory in which small uploads are gathered. The queue copies out of it before anything else is written to it.
   */
  readonly scratch: Uint8Array<ArrayBuffer>;
  readonly isPoisoned: boolean;
}

/** How far a batch has come, for the queue to read when it fails. */
export interface BatchProgress {
  /** Whether its runs may be submitted again: it has not run, or running it twice would not show. */
  isRepeatable: boolean;
}

/** The contents of a submission slot, kept between batches. */
export interface SlotContents {
  timer?: DeviceTimer | undefined;
}

/**
 * Runs `runs` in one submission.
 * @param watch Watches the runs from their submission on.
 * @param progress Kept up to date, for the queue to decide whether the runs may be submitted again.
 * @param trace Receives the phases, if the backend has a tracer.
 * @returns The results of each run, in order. If one run of several has no results, its entry is the error.
 * @throws {ComputeError} For all of the runs: `invalid-binding` if the caller took an input away, `limit-exceeded`,
 *   `out-of-memory`, `device-lost`, `invalid-kernel` if the device refuses the submission, `device-failed`.
 */
export async function executeBatch(
  context: BatchContext,
  runs: readonly ReadyRun[],
  slot: SlotContents,
  watch: HangWatch,
  progress: BatchProgress,
  trace: SubmissionTrace | undefined,
): Promise<object[]> {
  const { open, buffers, staging, holders } = context;
  const profiled = runs[0]!.clock;
  if (profiled) slot.timer ??= await createDeviceTimer(open.device);
  const clock = trace?.clock ?? (profiled && new RunClock());
  clock?.skip();
  const template = runs[0]!.template ?? context.templates.of(runs);
  // All buffers at once: a batch that held some while waiting for others could wait for ever.
  const { requests } = template;
  const lent = buffers.tryAcquireAll(requests) ?? (await acquire(buffers, requests, runs));
  const batch = new Batch(runs, template, lent, profiled && slot.timer);
  let leased: LeasedDownloads | undefined;
  let isSubmitted = false;
  try {
    if (open.loss) throw open.loss;
    checkWanted(runs);
    if (context.isPoisoned) poison(open.device, batch.memory);
    const { failure, voiding } = submit(context, batch, clock);
    isSubmitted = true;
    progress.isRepeatable = !batch.writesArrays;
    watch.add(runs);

    const { downloads } = batch.memory;
    const sizes = batch.layout.downloads;
    const done = downloads.length > 0 ? staging.map(downloads, sizes) : open.device.queue.onSubmittedWorkDone();
    const memoryOfResults = batch.allocateResults();
    const refusal = await settled(open, failure, done);
    if (refusal) {
      if (await voiding) progress.isRepeatable = true;
      // A bind group may be the cause, and would be as invalid the next time.
      context.descriptors.clear();
      throw (await refusedArray(runs, refusal)) ?? submissionError(batch.subject, refusal);
    }
    const gpuTimeNs = batch.timer && (await batch.timer.read());
    clock?.lap("compute");
    const leaseOf = (name: string, data: TypedArray) => {
      leased ??= new LeasedDownloads(buffers, staging, downloads, holders);
      return leased.lease(batch.sole!, name, data);
    };
    const results = readResults(batch, staging.mapped(downloads, sizes), leaseOf, memoryOfResults);
    clock?.lap("download");
    if (trace) trace.gpuTimeNs = gpuTimeNs;
    return profiled ? [withProfile(results[0]!, profiled.profile(clock!.phases, gpuTimeNs))] : results;
  } catch (error) {
    // The timer may be the cause, and would fail again.
    if (profiled) slot.timer?.destroy();
    if (profiled) slot.timer = undefined;
    throw await deviceError(open, subjectOf(runs), error);
  } finally {
    if (!leased) staging.unmap(batch.memory.downloads);
    batch.release(buffers, { uploads: !isSubmitted, downloads: !leased });
  }
}

/** @throws {ComputeError} What the pool throws, with the runs that need the memory. */
async function acquire(buffers: BufferPool, requests: readonly BufferRequest[], runs: readonly ReadyRun[]) {
  try {
    return await buffers.acquireAll(requests, { signal: whenAllLeft(runs) });
  } catch (error) {
    throw memoryError(subjectOf(runs), error);
  }
}

/** A signal that aborts once the callers of all `runs` have left, so that nothing waits for memory for them. */
function whenAllLeft(runs: readonly ReadyRun[]): AbortSignal | undefined {
  if (!runs.every(({ caller }) => caller.mayLeave)) return undefined;
  const controller = new AbortController();
  let awaited = runs.length;
  for (const { caller } of runs) {
    caller.onLeave(() => {
      awaited -= 1;
      if (awaited === 0) controller.abort();
    });
  }
  return controller.signal;
}

/** @throws {ComputeError} The reason if one of the runs must not run. The queue then tries each of them alone. */
function checkWanted(runs: readonly ReadyRun[]): void {
  for (let i = 0; i < runs.length; i += 1) {
    const { caller, arrayUse } = runs[i]!;
    // A run that shares an array with one that will not run must not run either.
    const refusal = (arrayUse || runs.length === 1 ? caller.left : undefined) ?? arrayUse?.spoiled;
    if (refusal) throw refusal;
  }
}

/**
 * Inside one error scope, writes the inputs, records the commands, unless that was done ahead, and submits them. Then
 * records the commands of another batch like this one.
 * @returns `failure`, the device's error, if it refused anything; and `voiding`, if that matters, its error if it
 *   refused the submission itself, so that nothing has run.
 */
function submit(
  { open: { device }, staging, descriptors, scratch, counts }: BatchContext,
  batch: Batch,
  clock: RunClock | undefined,
): { readonly failure: Promise<GPUError | null>; readonly voiding: Promise<GPUError | null> | undefined } {
  const { runs, template, memory } = batch;
  // An error scope costs more than a dispatch.
  const needsVoiding = runs.length > 1 && batch.writesArrays;
  const { failure, value } = inErrorScope(device, "validation", () => {
    writeInputs(device, batch, scratch);
    clock?.lap("upload");
    const { dispatches, commands: ahead } = template.bind(descriptors, runs, memory.regions);
    clock?.lap("descriptors");
    const record = () => recordCommands(device, batch, dispatches);
    const isProfiled = batch.sole?.clock !== undefined;
    const repeated = isProfiled ? undefined : ahead.find(dispatches, memory);
    const commands = repeated?.take() ?? record();
    clock?.lap("recording");
    // The device refuses invalid commands here too. Other errors of the recording need not keep the commands from
    // running.
    const send = () => device.queue.submit([commands]);
    if (needsVoiding) return { repeated, record, voiding: inErrorScope(device, "validation", send).failure };
    send();
    return { repeated, record, voiding: undefined };
  });
  const { repeated, record, voiding } = value;
  voiding?.catch(ignore);
  for (let i = 0; i < runs.length; i += 1) runs[i]!.arrayUse?.commit();
  // In reverse order, so that the next batch like this one gets the same buffers.
  for (let i = memory.uploads.length - 1; i >= 0; i -= 1) staging.recycleUpload(memory.uploads[i]!);
  for (let i = 0; i < runs.length; i += 1) runs[i]!.staged?.giveBack(staging);
  counts.submissions += 1;
  // The device works now, and this thread would only wait.
  repeated?.recordAhead(device, record);
  return { failure: voiding ? firstOf(failure, voiding) : failure, voiding };
}

/** The error for a submission that was refused because an adopted buffer is destroyed or mapped by its owner. */
async function refusedArray(runs: readonly ReadyRun[], cause: GPUError): Promise<ComputeError | undefined> {
  for (const { subject, plan } of runs) {
    for (const { resident } of plan.resources) {
      const array = resident as ResidentMemory | undefined;
      const refusal = await array?.refusal();
      if (!refusal) continue;
      const message = `${subject} needs ${array!.what}, whose buffer ${refusal.reason}.`;
      return new ComputeError("invalid-binding", message, { cause });
    }
  }
  return undefined;
}

/**
 * Waits for the device and for its verdict on the submission.
 * @throws {ComputeError} `device-lost`.
 */
async function settled(
  open: OpenDevice,
  failure: Promise<GPUError | null>,
  done: Promise<unknown>,
): Promise<GPUError | null> {
  // If both reject, the second rejection would be unhandled.
  failure.catch(ignore);
  await done;
  const refusal = await failure;
  if (open.loss) throw open.loss;
  return refusal;
}

/** The error that either of two scopes has caught. */
async function firstOf(outer: Promise<GPUError | null>, inner: Promise<GPUError | null>): Promise<GPUError | null> {
  const [caught, within] = await Promise.all([outer, inner]);
  return caught ?? within;
}

function ignore(): void {}
