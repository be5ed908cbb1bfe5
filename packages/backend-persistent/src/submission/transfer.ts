/**
 * The ways of a batch's bytes between the host and its device buffers.
 *
 * Small uploads go through `queue.writeBuffer`, which copies out of any host memory; larger ones are written into
 * mapped staging and copied on the device. Nothing is ever written to memory that the device may still read.
 */
import { type ComputeError, isComputeError, type Lease, type TypedArray } from "@kiln-gpu/core";
import { bytesOf, checkBorrowed, collectResults, type ResultMemory } from "@kiln-gpu/core/backend";
import type { Batch } from "./batch.js";
import type { Transfer } from "./batch-layout.js";
import type { BatchMemory } from "./batch-template.js";

/** Below it a second call of the queue costs more than a copy of the bytes. */
const minDirectByteLength = 32 * 2 ** 10;

/**
 * Brings the inputs of a batch to the device: at once through the queue, or into staging that `encodeTransfersIn`
 * copies from. What callers have staged is no longer theirs.
 */
export function writeInputs({ queue }: GPUDevice, batch: Batch, scratch: Uint8Array<ArrayBuffer>): void {
  const { layout, memory, sole } = batch;
  for (let i = 0; i < memory.staged.length; i += 1) memory.staged[i]!.buffer.unmap();
  if (layout.goesThroughQueue) {
    if (sole && layout.uploads[0]! >= minDirectByteLength) {
      writeDirectly(queue, batch, scratch);
      return;
    }
    copyInputs(batch, [scratch]);
    for (let i = 0; i < layout.regions.length; i += 1) {
      const { upload } = layout.regions[i]!;
      if (!upload) continue;
      queue.writeBuffer(memory.regions[i]!.buffer, upload.start, scratch, upload.stagingStart, upload.byteLength);
    }
    return;
  }
  const { uploads } = memory;
  const mapped = uploads.map(({ buffer }, i) => new Uint8Array(buffer.getMappedRange(0, layout.uploads[i]!)));
  try {
    copyInputs(batch, mapped);
  } finally {
    // Also when an input is refused: a buffer that went back mapped would have its range taken for its next user.
    for (const { buffer } of uploads) buffer.unmap();
  }
}

/** A call of the queue for each input, where to gather them first would cost more. */
function writeDirectly(
  queue: GPUQueue,
  { runs, layout: { places }, memory }: Batch,
  scratch: Uint8Array<ArrayBuffer>,
): void {
  const run = runs[0]!;
  const { resources } = run.plan;
  for (let resource = 0; resource < resources.length; resource += 1) {
    const { data, byteLength } = resources[resource]!;
    const place = places[0]![resource];
    if (!data || !place || run.caller.left) continue;
    checkBorrowed(() => run.subject, resources[resource]!);
    const { buffer } = memory.regions[place.region]!;
    if (data.buffer instanceof ArrayBuffer && data.byteLength === byteLength) {
      queue.writeBuffer(buffer, place.start, data.buffer, data.byteOffset, byteLength);
      continue;
    }
    // The queue takes whole words, and in Node no shared memory; the padding up to 4 is bound too.
    scratch.set(bytesOf(data));
    scratch.fill(0, data.byteLength, byteLength);
    queue.writeBuffer(buffer, place.start, scratch, 0, byteLength);
  }
}

function copyInputs({ runs, layout: { places, regions } }: Batch, staged: readonly Uint8Array[]): void {
  for (let run = 0; run < runs.length; run += 1) {
    const ready = runs[run]!;
    // A caller who left has the inputs back; what such a run computes is discarded.
    if (ready.caller.left) continue;
    const { resources } = ready.plan;
    for (let resource = 0; resource < resources.length; resource += 1) {
      const { data, byteLength } = resources[resource]!;
      const place = places[run]![resource];
      if (!data || !place) continue;
      checkBorrowed(() => ready.subject, resources[resource]!);
      const { start, staging, stagingStart } = regions[place.region]!.upload!;
      const at = stagingStart + place.start - start;
      const target = staged[staging]!;
      target.set(bytesOf(data), at);
      // Staging keeps its last user's bytes; the padding up to 4 is bound too.
      if (data.byteLength < byteLength) target.fill(0, at + data.byteLength, at + byteLength);
    }
  }
}

/** Records what must happen before the first dispatch: zeros where results will be, and the copies out of staging. */
export function encodeTransfersIn(encoder: GPUCommandEncoder, { layout: { regions }, memory }: Batch): void {
  let part = 0;
  for (let i = 0; i < regions.length; i += 1) {
    const { clear, upload, staged, resident } = regions[i]!;
    if (resident) return;
    const { buffer } = memory.regions[i]!;
    // Pooled buffers keep old bytes; only fresh ones are zero.
    if (clear.byteLength > 0) encoder.clearBuffer(buffer, clear.start, clear.byteLength);
    if (upload) encodeUpload(encoder, upload, buffer, memory);
    if (!staged) continue;
    for (const { start, byteLength } of staged) {
      encoder.copyBufferToBuffer(memory.staged[part]!.buffer, 0, buffer, start, byteLength);
      part += 1;
    }
  }
}

/** Records the copies of all results into staging that the host can map. */
export function encodeTransfersOut(encoder: GPUCommandEncoder, { layout: { regions }, memory }: Batch): void {
  for (let i = 0; i < regions.length; i += 1) {
    const { download, resident } = regions[i]!;
    if (resident) return;
    if (download) encodeDownload(encoder, download, memory.regions[i]!.buffer, memory);
  }
}

/** Records an access to resident arrays: writes, reads, and commands of its own. */
export function encodeArrayTransfers(
  encoder: GPUCommandEncoder,
  run: number,
  { runs, layout: { places, regions }, memory }: Batch,
): void {
  runs[run]!.record?.(encoder);
  for (const place of places[run]!) {
    if (!place) continue;
    const { upload, download, resident } = regions[place.region]!;
    // A run without a dispatch may share regions with others, and those are brought to the device and back for all.
    if (!resident) continue;
    const { buffer } = memory.regions[place.region]!;
    if (upload) encodeUpload(encoder, upload, buffer, memory);
    if (download) encodeDownload(encoder, download, buffer, memory);
  }
}

/** Nothing, where the upload went through the queue. */
function encodeUpload(encoder: GPUCommandEncoder, upload: Transfer, target: GPUBuffer, { uploads }: BatchMemory): void {
  const { staging, stagingStart, start, byteLength } = upload;
  if (uploads.length > 0) encoder.copyBufferToBuffer(uploads[staging]!.buffer, stagingStart, target, start, byteLength);
}

function encodeDownload(
  encoder: GPUCommandEncoder,
  { staging, stagingStart, start, byteLength }: Transfer,
  source: GPUBuffer,
  { downloads }: BatchMemory,
): void {
  encoder.copyBufferToBuffer(source, start, downloads[staging]!.buffer, stagingStart, byteLength);
}

/** The results of each run, copied out of mapped staging; of one among several that can be given none, the reason. */
export function readResults(
  { runs, layout: { places, regions } }: Batch,
  mapped: readonly ArrayBuffer[],
  leaseOf: (name: string, data: TypedArray) => Lease,
  memory: readonly (ResultMemory | undefined)[] | undefined,
): (Record<string, TypedArray | Lease> | ComputeError)[] {
  return runs.map(({ plan, caller }, run) => {
    // A caller who left was told that the run failed, and has the array for its results back.
    if (caller.left) return {};
    const placeOf = (resource: number) => {
      const place = places[run]![resource]!;
      const { staging, stagingStart, start } = regions[place.region]!.download!;
      return { memory: mapped[staging]!, offset: stagingStart + place.start - start };
    };
    try {
      return collectResults(plan, placeOf, leaseOf, memory?.[run]);
    } catch (error) {
      // The others have run, and may have written arrays: they are not to be run again.
      if (runs.length > 1 && isComputeError(error)) return error;
      throw error;
    }
  });
}
