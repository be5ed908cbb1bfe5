/**
 * One submission from its memory to its results, in one straight line. It knows nothing of queues and retries; whatever happens, what
 * it acquired is given back, or is in the hands of the leases it gave out.
 */
import {
  allocateResults,
  type ResultMemory,
  RunClock,
  type SubmissionTrace,
  type TraceRecorder,
  type TypedArray,
  withProfile,
} from "@kiln-gpu/core";
import type { BufferPool, DescriptorPool, StagingPool } from "@kiln-gpu/resource-pools";
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
import { type BatchMemory, memoryOf, releaseMemory, stagedOf } from "./batch-memory.js";
import type { BatchPlacer } from "./batch-placer.js";
import type { BindGroups } from "./bind-groups.js";
import type { CommandsAhead } from "./commands-ahead.js";
import type { HangWatch } from "./hang-watch.js";
import { LeasedDownloads } from "./leased-downloads.js";
import type { BatchPlaces } from "./place-batch.js";
import { poison } from "./poison.js";
import type { ReadyRun } from "./ready-run.js";
import { recordCommands } from "./record-commands.js";
import { readResults, subjectOf, writeInputs } from "./transfer.js";
import type { UploadCrossover } from "./upload-crossover.js";

/** What batches are made of, for the life of the backend. */
export interface BatchContext {
  readonly open: OpenDevice;
  readonly buffers: BufferPool;
  readonly staging: StagingPool;
  readonly descriptors: DescriptorPool;
  readonly bindGroups: BindGroups;
  readonly ahead: CommandsAhead;
  readonly placer: BatchPlacer;
  readonly counts: { submissions: number };
  readonly recorder: TraceRecorder | undefined;
  readonly holders: Holders;
  readonly crossover: UploadCrossover;
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
 * @param watch Told when they are submitted.
 * @param progress Kept up to date for whoever has to say what becomes of the runs.
 * @param trace Given the phases, where somebody listens.
 * @returns The results of each, in order; or why one among several has none.
 * @throws {ComputeError} For all of them alike: `invalid-binding` when an input was taken away, `limit-exceeded`, `out-of-memory`, `device-lost`, `invalid-kernel` when the device
 *   refuses the submission, `device-failed`.
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
  const [{ clock: profiled, recorded }] = runs as [ReadyRun];
  if (profiled) slot.timer ??= await createDeviceTimer(open.device);
  const clock = trace?.clock ?? (profiled && new RunClock());
  clock?.skip();
  let places = recorded?.places ?? context.placer.place(runs);
  if (!recorded && context.crossover.decides(places.uploads[0] ?? 0)) {
    await context.crossover.know();
    context.placer.forget();
    places = context.placer.place(runs);
  }
  const stagedByCallers = stagedOf(runs, places);
  // All buffers at once: a batch that held some while it waits for others could wait for ever.
  const wanted = recorded?.staging ?? places.requests;
  const lent = buffers.tryAcquireAll(wanted) ?? (await buffers.acquireAll(wanted, { signal: whenAllLeft(runs) }));
  const memory = memoryOf(lent, stagedByCallers, runs, places);
  let leased: LeasedDownloads | undefined;
  let isSubmitted = false;
  try {
    if (open.loss) throw open.loss;
    checkWanted(runs);
    if (context.isPoisoned) poison(open.device, memory);
    const timer = profiled && slot.timer;
    const { failure, voiding } = submit(context, runs, places, memory, timer, clock);
    isSubmitted = true;
    progress.isRepeatable = !writesArrays(runs);
    watch.add(runs);

    const { downloads } = memory;
    const done =
      downloads.length > 0 ? staging.map(downloads, places.downloads) : open.device.queue.onSubmittedWorkDone();
    const memoryOfResults = allocateAll(runs);
    const refusal = await settled(open, failure, done);
    if (refusal) {
      if (await voiding) progress.isRepeatable = true;
      // One of the bind groups may be what is invalid, and would be as invalid the next time.
      context.descriptors.clear();
      throw submissionError(subjectOfAll(runs), refusal);
    }
    const gpuTimeNs = timer && (await timeOf(open, timer));
    clock?.lap("compute");
    const mapped = staging.mapped(downloads, places.downloads);
    const leaseOf = (name: string, data: TypedArray) => {
      leased ??= new LeasedDownloads(buffers, staging, downloads, holders);
      // Such a run is the only one of its batch.
      return leased.lease(runs[0]!, name, data);
    };
    const results = readResults(runs, places, mapped, leaseOf, memoryOfResults);
    clock?.lap("download");
    if (trace) trace.gpuTimeNs = gpuTimeNs;
    return profiled ? [withProfile(results[0]!, profiled.profile(clock!.phases, gpuTimeNs))] : results;
  } catch (error) {
    // It may be what has failed, and would again.
    if (profiled) slot.timer?.destroy();
    if (profiled) slot.timer = undefined;
    throw await deviceError(open, subjectOfAll(runs), error);
  } finally {
    if (!leased) staging.unmap(memory.downloads);
    // Uploads that were submitted are on their own way back, for they must be mapped again first; leased memory is its reader's.
    releaseMemory(buffers, memory, { uploads: !isSubmitted, downloads: !leased });
  }
}

/** By run; nothing where no run has any. */
function allocateAll(runs: readonly ReadyRun[]): (ResultMemory | undefined)[] | undefined {
  let all: (ResultMemory | undefined)[] | undefined;
  for (let i = 0; i < runs.length; i += 1) {
    const memory = allocateResults(runs[i]!.plan);
    if (memory) (all ??= new Array(runs.length))[i] = memory;
  }
  return all;
}

function subjectOfAll(runs: readonly ReadyRun[]): string {
  return runs.length === 1 ? subjectOf(runs[0]!) : "A batch";
}

/** Whether to run them twice would show: arrays are written in place. */
function writesArrays(runs: readonly ReadyRun[]): boolean {
  for (let i = 0; i < runs.length; i += 1) if (runs[i]!.use) return true;
  return false;
}

/** Aborted once nobody waits for any of `runs`: then nothing needs to wait for their memory. */
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
    const { caller, use } = runs[i]!;
    // What shares an array with one that will not run must not run either.
    const refusal = (use || runs.length === 1 ? caller.left : undefined) ?? use?.spoiled;
    if (refusal) throw refusal;
  }
}

/**
 * Writes the inputs, records the commands, unless that was done ahead, and submits them, inside one error scope; then records ahead for another batch
 * like this.
 * @returns Why the device refused something of it, if it did; and where that matters, whether it refused the submission, so that nothing has run.
 */
function submit(
  { open: { device }, staging, bindGroups, ahead, scratch, counts }: BatchContext,
  runs: readonly ReadyRun[],
  places: BatchPlaces,
  memory: BatchMemory,
  timer: DeviceTimer | undefined,
  clock: RunClock | undefined,
): { readonly failure: Promise<GPUError | null>; readonly voiding: Promise<GPUError | null> | undefined } {
  const { recorded, clock: profiled } = runs[0]!;
  // A scope of its own costs more than a dispatch.
  const needsVoiding = runs.length > 1 && writesArrays(runs);
  const { failure, value } = inErrorScope(device, "validation", () => {
    writeInputs(device, runs, places, memory, scratch);
    clock?.lap("upload");
    const dispatches = recorded?.dispatches ?? bindGroups.bind(runs, places, memory.regions);
    clock?.lap("descriptors");
    const record = () => recordCommands(device, runs, dispatches, places, memory, timer);
    const repeated = profiled ? undefined : ahead.find(dispatches, places, memory);
    const commands = repeated?.take() ?? record();
    clock?.lap("recording");
    // Commands that are invalid are refused here once more. What else the device says of their recording may not keep them from running.
    const send = () => device.queue.submit([commands]);
    if (needsVoiding) return { repeated, record, voiding: inErrorScope(device, "validation", send).failure };
    send();
    return { repeated, record, voiding: undefined };
  });
  const { repeated, record, voiding } = value;
  voiding?.catch(ignore);
  for (let i = 0; i < runs.length; i += 1) runs[i]!.use?.commit();
  // In reverse order, so that the next batch like this is given the same.
  for (let i = memory.uploads.length - 1; i >= 0; i -= 1) staging.recycleUpload(memory.uploads[i]!);
  for (let i = 0; i < runs.length; i += 1) runs[i]!.taken?.giveBack(staging);
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
