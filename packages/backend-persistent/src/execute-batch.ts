/**
 * One submission from its memory to its results, in one straight line. It knows nothing of queues and retries; whatever happens, what
 * it acquired is given back, or is in the hands of the leases it gave out.
 */
import { withProfile } from "@kiln-gpu/core";
import type { BufferPool, DescriptorPool, StagingPool } from "@kiln-gpu/resource-pools";
import {
  createDeviceTimer,
  type DeviceTimer,
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
import { type BatchMemory, encodeTransfersIn, encodeTransfersOut, readResults, writeInputs } from "./transfer.js";

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
  const places = placer.place(runs.map(({ plan }) => plan));
  const memory = await acquireMemory(buffers, places);
  const leased = new LeasedDownloads(buffers, staging, memory.downloads, holders);
  let isSubmitted = false;
  try {
    if (open.loss) throw open.loss;
    const [{ caller }] = runs as [ReadyRun];
    if (runs.length === 1 && caller.left) throw caller.left;
    const timer = clock && (slot.timer ??= createDeviceTimer(device));
    const { failure } = inErrorScope(device, "validation", () => {
      writeInputs(device, runs, places, memory, scratch);
      clock?.lap("uploadMs");
      const dispatches = acquireBindGroups(descriptors, runs, places.places, memory.regions);
      clock?.lap("descriptorsMs");
      const encoder = device.createCommandEncoder();
      encodeTransfersIn(encoder, runs, places, memory);
      const pass = encoder.beginComputePass(timer && { timestampWrites: timer.timestampWrites });
      encodeDispatches(pass, dispatches);
      pass.end();
      encodeTransfersOut(encoder, places, memory);
      timer?.resolve(encoder);
      const commands = encoder.finish();
      clock?.lap("recordingMs");
      device.queue.submit([commands]);
    });
    isSubmitted = true;
    counts.submissions += 1;
    for (const upload of memory.uploads) staging.recycleUpload(upload);

    const maps = staging.map(memory.downloads, places.downloads).catch(async (error) => {
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
    const held = isSubmitted ? memory.regions : [...memory.regions, ...memory.uploads];
    if (leased.isLeased) {
      buffers.releaseAll(held);
    } else {
      staging.unmap(memory.downloads);
      buffers.releaseAll([...held, ...memory.downloads]);
    }
  }
}

/** All buffers of a batch at once: one that held some while it waits for others could wait for ever. */
async function acquireMemory(buffers: BufferPool, places: BatchPlaces): Promise<BatchMemory> {
  const { requests } = places;
  const all = buffers.tryAcquireAll(requests) ?? (await buffers.acquireAll(requests));
  const uploads = places.regions.length;
  const downloads = requests.length - places.downloads.length;
  return { regions: all.slice(0, uploads), uploads: all.slice(uploads, downloads), downloads: all.slice(downloads) };
}
