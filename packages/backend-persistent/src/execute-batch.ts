/**
 * One submission from its memory to its results, in one straight line. It knows nothing of queues and retries; whatever happens, what
 * it acquired is given back, or is in the hands of the leases it gave out.
 */
import { withProfile } from "@kiln-gpu/core";
import type { BufferPool, DescriptorPool, PooledBuffer, StagingPool } from "@kiln-gpu/resource-pools";
import {
  createDeviceTimer,
  type DeviceTimer,
  type EncodableDispatch,
  encodeDispatches,
  inErrorScope,
  lossOr,
  type OpenDevice,
  submissionError,
} from "@kiln-gpu/webgpu";
import { acquireBindGroups } from "./acquire-bind-groups.js";
import type { Holders } from "./holders.js";
import { LeasedDownloads } from "./leased-downloads.js";
import type { BatchPlacer, BatchPlaces } from "./place-batch.js";
import type { ReadyRun } from "./ready-run.js";
import type { ResidentMemory } from "./resident-memory.js";
import {
  type BatchMemory,
  encodeArrayTransfers,
  encodeTransfersIn,
  encodeTransfersOut,
  readResults,
  writeInputs,
} from "./transfer.js";

/** What batches are made of, for the life of the backend. */
export interface BatchContext {
  readonly open: OpenDevice;
  readonly buffers: BufferPool;
  readonly staging: StagingPool;
  readonly descriptors: DescriptorPool;
  readonly placer: BatchPlacer;
  readonly counts: { submissions: number };
  readonly holders: Holders;
  /** From `createUploadScratch`. */
  readonly scratch: Uint8Array<ArrayBuffer>;
}

/** What a submission slot keeps between batches. */
export interface SlotContents {
  timer?: DeviceTimer | undefined;
}

/**
 * Runs `runs` in one submission.
 * @returns The results of each, in order.
 * @throws {ComputeError} For all of them alike: `invalid-binding` when an input was taken away, `limit-exceeded`, `out-of-memory`, `device-lost`, `invalid-kernel` when the device
 *   refuses the submission. Then nothing has run.
 */
export async function executeBatch(
  { open, buffers, staging, descriptors, placer, scratch, holders, counts }: BatchContext,
  runs: readonly ReadyRun[],
  slot: SlotContents,
): Promise<object[]> {
  const { device } = open;
  const clock = runs[0]!.clock;
  clock?.skip();
  const { recorded } = runs[0]!;
  const places = recorded?.places ?? placer.place(runs.map(({ plan }) => plan));
  const memory = await acquireMemory(buffers, runs, places);
  const leased = new LeasedDownloads(buffers, staging, memory.downloads, holders);
  let isSubmitted = false;
  try {
    if (open.loss) throw open.loss;
    for (const { caller, use } of runs) {
      // What shares an array with one that will not run must not run either: each is looked at again alone.
      const refusal = (use || runs.length === 1 ? caller.left : undefined) ?? use?.spoiled;
      if (refusal) throw refusal;
    }
    const timer = clock && (slot.timer ??= createDeviceTimer(device));
    const { failure } = inErrorScope(device, "validation", () => {
      writeInputs(device, runs, places, memory, scratch);
      clock?.lap("uploadMs");
      const dispatches = recorded?.dispatches ?? acquireBindGroups(descriptors, runs, places.places, memory.regions);
      clock?.lap("descriptorsMs");
      const encoder = device.createCommandEncoder();
      encodeTransfersIn(encoder, runs, places, memory);
      encodeRuns(encoder, runs, dispatches, places, memory, timer);
      encodeTransfersOut(encoder, places, memory);
      timer?.resolve(encoder);
      const commands = encoder.finish();
      clock?.lap("recordingMs");
      device.queue.submit([commands]);
    });
    isSubmitted = true;
    for (const { use } of runs) use?.commit();
    counts.submissions += 1;
    for (const upload of memory.uploads) staging.recycleUpload(upload);

    const done =
      memory.downloads.length > 0 ? staging.map(memory.downloads, places.downloads) : submittedWorkDone(device);
    const maps = done.catch(async (error) => {
      throw await lossOr(open, error);
    });
    const [mapped, refusal] = await Promise.all([maps, failure]);
    if (open.loss) throw open.loss;
    if (refusal) {
      // One of the bind groups may be what is invalid, and would be as invalid the next time.
      descriptors.clear();
      throw submissionError(runs.length === 1 ? runs[0]!.plan.label : "a batch", refusal);
    }
    const gpuTimeNs = await timer?.read().catch(async (error) => {
      throw await lossOr(open, error);
    });
    clock?.lap("computeMs");
    const results = readResults(runs, places, mapped, (name, data) => leased.lease(name, data));
    if (!clock) return results;
    clock.lap("downloadMs");
    return [withProfile(results[0]!, clock.profile(gpuTimeNs))];
  } finally {
    // Uploads that were submitted are on their own way back: they must be mapped again first.
    const held = isSubmitted ? memory.acquired : [...memory.acquired, ...memory.uploads];
    if (leased.isLeased) {
      buffers.releaseAll(held);
    } else {
      staging.unmap(memory.downloads);
      buffers.releaseAll([...held, ...memory.downloads]);
    }
  }
}

/** The dispatches of neighbouring runs in one pass; what is no run of a kernel comes between passes. */
function encodeRuns(
  encoder: GPUCommandEncoder,
  runs: readonly ReadyRun[],
  dispatches: readonly EncodableDispatch[],
  places: BatchPlaces,
  memory: BatchMemory,
  timer: DeviceTimer | undefined,
): void {
  let next = 0;
  for (let run = 0; run < runs.length; run += 1) {
    const first = next;
    while (run < runs.length && runs[run]!.plan.dispatches.length > 0) {
      next += runs[run]!.plan.dispatches.length;
      run += 1;
    }
    if (next > first) {
      const pass = encoder.beginComputePass(timer && { timestampWrites: timer.timestampWrites });
      encodeDispatches(pass, next - first === dispatches.length ? dispatches : dispatches.slice(first, next));
      pass.end();
    }
    if (run < runs.length) encodeArrayTransfers(encoder, run, runs[run]!, places, memory);
  }
}

/** What a map would wait for, where nothing is read. */
async function submittedWorkDone({ queue }: GPUDevice): Promise<ArrayBuffer[]> {
  await queue.onSubmittedWorkDone();
  return [];
}

/** All buffers of a batch at once: one that held some while it waits for others could wait for ever. */
async function acquireMemory(
  buffers: BufferPool,
  runs: readonly ReadyRun[],
  { requests, regions, downloads }: BatchPlaces,
): Promise<BatchMemory> {
  const { recorded } = runs[0]!;
  const wanted = recorded?.staging ?? requests;
  const all = buffers.tryAcquireAll(wanted) ?? (await buffers.acquireAll(wanted));
  const firstDownload = all.length - downloads.length;
  if (recorded) {
    const { regions } = recorded;
    return { acquired: [], regions, uploads: all.slice(0, firstDownload), downloads: all.slice(firstDownload) };
  }
  const residents: PooledBuffer[] = [];
  for (const { resident } of regions) {
    if (!resident) continue;
    const array = runs[resident.run]!.plan.resources[resident.resource]!.resident as ResidentMemory;
    residents.push(array.buffer);
  }
  const firstUpload = regions.length - residents.length;
  const acquired = all.slice(0, firstUpload);
  return {
    acquired,
    regions: residents.length > 0 ? [...acquired, ...residents] : acquired,
    uploads: all.slice(firstUpload, firstDownload),
    downloads: all.slice(firstDownload),
  };
}
