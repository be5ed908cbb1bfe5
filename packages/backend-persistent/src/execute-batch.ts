/**
 * One submission from its memory to its results, in one straight line. It knows nothing of queues, callers or retries; whatever
 * happens, what it acquired is given back.
 */
import { collectResults, type RunClock, type RunPlan, type TypedArray, withProfile } from "@kiln-gpu/core";
import {
  type BufferPool,
  type DescriptorPool,
  downloadUsage,
  type PooledBuffer,
  type StagingPool,
  uploadUsage,
} from "@kiln-gpu/resource-pools";
import {
  bufferUsage,
  createDeviceTimer,
  type DeviceTimer,
  encodeDispatches,
  inErrorScope,
  lossOr,
  type OpenDevice,
  submissionError,
} from "@kiln-gpu/webgpu";
import { acquireBindGroups } from "./acquire-bind-groups.js";
import { type BatchPlaces, type PlaceLimits, placeBatch } from "./place-batch.js";
import type { StoredProgram } from "./program-store.js";

/** A run with its pipelines found. */
export interface ReadyRun {
  readonly plan: RunPlan;
  /** By dispatch. */
  readonly pipelines: readonly StoredProgram[];
  /** Runs, if the run is profiled; then it is the only one of its batch. */
  readonly clock: RunClock | undefined;
}

/** What batches are made of, for the life of the backend. */
export interface BatchContext {
  readonly open: OpenDevice;
  readonly buffers: BufferPool;
  readonly staging: StagingPool;
  readonly descriptors: DescriptorPool;
  readonly limits: PlaceLimits;
}

/** What a submission slot keeps between batches. */
export interface SlotContents {
  timer?: DeviceTimer | undefined;
}

const deviceUsage = bufferUsage.storage | bufferUsage.uniform | bufferUsage.copySource | bufferUsage.copyDestination;

/**
 * Runs `runs` in one submission.
 * @returns The results of each, in order.
 * @throws {ComputeError} For all of them alike: `limit-exceeded`, `out-of-memory`, `device-lost`, `invalid-kernel` when the device
 *   refuses the submission. Then nothing has run.
 */
export async function executeBatch(
  { open, buffers, staging, descriptors, limits }: BatchContext,
  runs: readonly ReadyRun[],
  slot: SlotContents,
): Promise<object[]> {
  const { device } = open;
  const clock = runs[0]!.clock;
  clock?.skip();
  const places = placeBatch(
    runs.map(({ plan }) => plan),
    limits,
  );
  const memory = await acquireMemory(buffers, places);
  try {
    if (open.loss) throw open.loss;
    writeInputs(runs, places, memory.uploads);
    clock?.lap("uploadMs");

    const timer = clock && (slot.timer ??= createDeviceTimer(device));
    const { failure } = inErrorScope(device, "validation", () => {
      const dispatches = acquireBindGroups(descriptors, runs, places.places, memory.regions);
      clock?.lap("descriptorsMs");
      const encoder = device.createCommandEncoder();
      encodeTransfersIn(encoder, places, memory);
      const pass = encoder.beginComputePass(timer && { timestampWrites: timer.timestampWrites });
      encodeDispatches(pass, dispatches);
      pass.end();
      encodeTransfersOut(encoder, places, memory);
      timer?.resolve(encoder);
      const commands = encoder.finish();
      clock?.lap("recordingMs");
      device.queue.submit([commands]);
    });
    for (const upload of memory.uploads.splice(0)) staging.recycleUpload(upload);

    const maps = staging.map(memory.downloads, places.downloads).catch(async (error) => {
      throw await lossOr(open, error);
    });
    const [mapped, refusal] = await Promise.all([maps, failure]);
    if (open.loss) throw open.loss;
    if (refusal) throw submissionError(runs.length === 1 ? runs[0]!.plan.label : "a batch", refusal);
    const gpuTimeNs = await timer?.read();
    clock?.lap("computeMs");
    const results = runs.map(({ plan }, run) => readResults(plan, places, run, mapped));
    if (!clock) return results;
    clock.lap("downloadMs");
    return [withProfile(runs[0]!.plan.label, results[0]!, clock.profile(gpuTimeNs))];
  } finally {
    staging.unmap(memory.downloads);
    buffers.releaseAll([...memory.regions, ...memory.uploads, ...memory.downloads]);
  }
}

interface BatchMemory {
  readonly regions: readonly PooledBuffer[];
  /** Mapped; emptied once they are on their way back to the pool. */
  readonly uploads: PooledBuffer[];
  readonly downloads: readonly PooledBuffer[];
}

/** All buffers of a batch at once: one that held some while it waits for others could wait for ever. */
async function acquireMemory(buffers: BufferPool, places: BatchPlaces): Promise<BatchMemory> {
  const requests = [
    ...places.regions.map(({ byteLength }) => ({ byteLength, usage: deviceUsage })),
    ...places.uploads.map((byteLength) => ({ byteLength, usage: uploadUsage })),
    ...places.downloads.map((byteLength) => ({ byteLength, usage: downloadUsage })),
  ];
  const all = buffers.tryAcquireAll(requests) ?? (await buffers.acquireAll(requests));
  const uploads = places.regions.length;
  const downloads = uploads + places.uploads.length;
  return { regions: all.slice(0, uploads), uploads: all.slice(uploads, downloads), downloads: all.slice(downloads) };
}

function writeInputs(
  runs: readonly ReadyRun[],
  { places, regions, uploads }: BatchPlaces,
  staged: readonly PooledBuffer[],
): void {
  const mapped = staged.map(({ buffer }, i) => new Uint8Array(buffer.getMappedRange(0, uploads[i]!)));
  for (let run = 0; run < runs.length; run += 1) {
    const { resources } = runs[run]!.plan;
    for (let resource = 0; resource < resources.length; resource += 1) {
      const { data, byteLength } = resources[resource]!;
      const place = places[run]![resource];
      if (!data || !place) continue;
      const { start, staging, stagingStart } = regions[place.region]!.upload!;
      const at = stagingStart + place.start - start;
      const target = mapped[staging]!;
      target.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
      // Staging keeps its last user's bytes; the padding up to 4 is bound too.
      if (data.byteLength < byteLength) target.fill(0, at + data.byteLength, at + byteLength);
    }
  }
  for (const { buffer } of staged) buffer.unmap();
}

function encodeTransfersIn(encoder: GPUCommandEncoder, { regions }: BatchPlaces, memory: BatchMemory): void {
  for (const [i, { clear, upload }] of regions.entries()) {
    const { buffer } = memory.regions[i]!;
    // Pooled buffers keep old bytes; only fresh ones are zero.
    if (clear.byteLength > 0) encoder.clearBuffer(buffer, clear.start, clear.byteLength);
    if (upload) {
      const { staging, stagingStart, start, byteLength } = upload;
      encoder.copyBufferToBuffer(memory.uploads[staging]!.buffer, stagingStart, buffer, start, byteLength);
    }
  }
}

function encodeTransfersOut(encoder: GPUCommandEncoder, { regions }: BatchPlaces, memory: BatchMemory): void {
  for (const [i, { download }] of regions.entries()) {
    if (!download) continue;
    const { staging, stagingStart, start, byteLength } = download;
    encoder.copyBufferToBuffer(
      memory.regions[i]!.buffer,
      start,
      memory.downloads[staging]!.buffer,
      stagingStart,
      byteLength,
    );
  }
}

function readResults(
  plan: RunPlan,
  { places, regions }: BatchPlaces,
  run: number,
  mapped: readonly ArrayBuffer[],
): Record<string, TypedArray> {
  return collectResults(plan, (resource) => {
    const place = places[run]![resource]!;
    const { staging, stagingStart, start } = regions[place.region]!.download!;
    return { memory: mapped[staging]!, offset: stagingStart + place.start - start };
  });
}
