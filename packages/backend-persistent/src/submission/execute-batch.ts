/**
 * One submission from its memory to its results, in one straight line. It knows nothing of queues and retries. Whatever
 * happens, what it acquired is given back, or is in the hands of the leases it gave out.
 */
import type { TypedArray } from "@kiln-gpu/core";
import { RunClock, type SubmissionTrace, type TraceRecorder, withProfile } from "@kiln-gpu/core/backend";
import type { BufferPool, BufferRequest, DescriptorPool, StagingPool } from "@kiln-gpu/resource-pools";
import {
  createDeviceTimer,
  type DeviceTimer,
  deviceError,
  inErrorScope,
  lossOr,
  type OpenDevice,
  submissionError,
} from "@kiln-gpu/webgpu";
import type { Holders } from "../memory/holders.js";
import { memoryError } from "../memory/memory-error.js";
import { Batch, subjectOf } from "./batch.js";
import type { BatchTemplates } from "./batch-templates.js";
import type { HangWatch } from "./hang-watch.js";
import { LeasedDownloads } from "./leased-downloads.js";
import { poison } from "./poison.js";
import type { ReadyRun } from "./ready-run.js";
import { recordCommands } from "./record-commands.js";
import { readResults, writeInputs } from "./transfer.js";

/** What batches are made of, for the life of the session. */
export interface BatchContext {
  readonly open: OpenDevice;
  readonly buffers: BufferPool;
  readonly staging: StagingPool;
  readonly descriptors: DescriptorPool;
  readonly templates: BatchTemplates;
  readonly counts: { submissions: number };
  readonly recorder: TraceRecorder | undefined;
  readonly holders: Holders;
  /** Host memory that small uploads are gathered in; the queue copies out of it before anything else can be written. */
  readonly scratch: Uint8Array<ArrayBuffer>;
  readonly isPoisoned: boolean;
}

/** What is known of a batch when it fails. */
export interface BatchProgress {
  /** Whether its runs may be submitted again: nothing of it has run, or nothing that would show. */
  isRepeatable: boolean;
}

/** What a submission slot keeps between batches. */
export interface SlotContents {
  timer?: DeviceTimer | undefined;
}

/**
 * Runs `runs` in one submission.
 * @param watch Is told when they are submitted.
 * @param progress Is kept up to date, for the queue to decide what becomes of the runs.
 * @param trace Gets the phases, if anything listens.
 * @returns The results of each, in order; for one among several that has none, the reason.
 * @throws {ComputeError} For all of them alike: `invalid-binding` if an input was taken away, `limit-exceeded`,
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
  // All buffers at once: a batch that held some while it waits for others could wait for ever.
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
      // One of the bind groups may be what is invalid, and would be as invalid the next time.
      context.descriptors.clear();
      throw submissionError(batch.subject, refusal);
    }
    const gpuTimeNs = batch.timer && (await timeOf(open, batch.timer));
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
    // It may be what has failed, and would again.
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

/** Aborts once the callers of all `runs` have left: then nothing needs to wait for their memory. */
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

/** @throws {ComputeError} Why one of them is not to run: then each is looked at again alone. */
function checkWanted(runs: readonly ReadyRun[]): void {
  for (let i = 0; i < runs.length; i += 1) {
    const { caller, arrayUse } = runs[i]!;
    // What shares an array with one that will not run must not run either.
    const refusal = (arrayUse || runs.length === 1 ? caller.left : undefined) ?? arrayUse?.spoiled;
    if (refusal) throw refusal;
  }
}

/**
 * Writes the inputs, records the commands, unless that was done ahead, and submits them, inside one error scope; then
 * records ahead for another batch like this.
 * @returns Why the device refused something of it, if it did; and where that matters, whether it refused the
 *   submission, so that nothing has run.
 */
function submit(
  { open: { device }, staging, descriptors, scratch, counts }: BatchContext,
  batch: Batch,
  clock: RunClock | undefined,
): { readonly failure: Promise<GPUError | null>; readonly voiding: Promise<GPUError | null> | undefined } {
  const { runs, template, memory } = batch;
  // A scope of its own costs more than a dispatch.
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
    // Commands that are invalid are refused here once more. What else the device says of their recording may not keep
    // them from running.
    const send = () => device.queue.submit([commands]);
    if (needsVoiding) return { repeated, record, voiding: inErrorScope(device, "validation", send).failure };
    send();
    return { repeated, record, voiding: undefined };
  });
  const { repeated, record, voiding } = value;
  voiding?.catch(ignore);
  for (let i = 0; i < runs.length; i += 1) runs[i]!.arrayUse?.commit();
  // In reverse order, so that the next batch like this is given the same.
  for (let i = memory.uploads.length - 1; i >= 0; i -= 1) staging.recycleUpload(memory.uploads[i]!);
  for (let i = 0; i < runs.length; i += 1) runs[i]!.staged?.giveBack(staging);
  counts.submissions += 1;
  // The device has its work, and this thread nothing else to do but to wait.
  repeated?.recordAhead(device, record);
  return { failure: voiding ? firstOf(failure, voiding) : failure, voiding };
}

/**
 * Waits for the device, and for what it says of the submission.
 * @throws {ComputeError} `device-lost`.
 */
async function settled(
  open: OpenDevice,
  failure: Promise<GPUError | null>,
  done: Promise<unknown>,
): Promise<GPUError | null> {
  // Where both reject, nobody waits for the second.
  failure.catch(ignore);
  try {
    await done;
    const refusal = await failure;
    if (!open.loss) return refusal;
  } catch (error) {
    throw await lossOr(open, error);
  }
  throw open.loss;
}

/** What either of two scopes has caught. */
async function firstOf(outer: Promise<GPUError | null>, inner: Promise<GPUError | null>): Promise<GPUError | null> {
  const [caught, within] = await Promise.all([outer, inner]);
  return caught ?? within;
}

function ignore(): void {}

async function timeOf(open: OpenDevice, timer: DeviceTimer): Promise<number> {
  try {
    return await timer.read();
  } catch (error) {
    throw await lossOr(open, error);
  }
}
