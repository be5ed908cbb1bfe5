/**
 * Moves the bytes of a batch between the host and its device buffers.
 *
 * Small uploads go through `queue.writeBuffer`, which copies from any host memory. Larger ones are written into mapped
 * staging buffers and copied on the device.
 *
 * Invariant: the host never writes memory that the device may still read.
 */
import { type ComputeError, isComputeError, type Lease, type TypedArray } from "@kiln-gpu/core";
import { bytesOf, checkBorrowed, collectResults, type ResultMemory } from "@kiln-gpu/core/backend";
import type { Batch } from "./batch.js";
import type { Transfer } from "./batch-layout.js";
import type { BatchMemory } from "./batch-template.js";

/** Below this size, a second call of the queue costs more than copying the bytes once more on the host. */
const minDirectByteLength = 32 * 2 ** 10;

/**
 * Writes the inputs of a batch: through the queue, or into staging buffers that `encodeTransfersIn` copies from. Ends
 * the callers' views of staged memory.
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
    // Also when an input is refused: its next user could not map a buffer that went back mapped.
    for (const { buffer } of uploads) buffer.unmap();
  }
}

/** Makes one call of the queue for each input: for larger inputs, gathering them first would cost more. */
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
    // The queue takes whole words, and in Node no shared memory. The padding up to 4 bytes is bound too.
    scratch.set(bytesOf(data));
    scratch.fill(0, data.byteLength, byteLength);
    queue.writeBuffer(buffer, place.start, scratch, 0, byteLength);
  }
}

/** Copies the inputs into `targets`, by staging buffer. */
function copyInputs({ runs, layout: { places, regions } }: Batch, targets: readonly Uint8Array[]): void {
  for (let run = 0; run < runs.length; run += 1) {
    const ready = runs[run]!;
    // A caller who left may reuse the inputs; the results of such a run are discarded.
    if (ready.caller.left) continue;
    const { resources } = ready.plan;
    for (let resource = 0; resource < resources.length; resource += 1) {
      const { data, byteLength } = resources[resource]!;
      const place = places[run]![resource];
      if (!data || !place) continue;
      checkBorrowed(() => ready.subject, resources[resource]!);
      const { start, staging, stagingStart } = regions[place.region]!.upload!;
      const at = stagingStart + place.start - start;
      const target = targets[staging]!;
      target.set(bytesOf(data), at);
      // Staging buffers keep their last user's bytes. The padding up to 4 bytes is bound too.
      if (data.byteLength < byteLength) target.fill(0, at + data.byteLength, at + byteLength);
    }
  }
}

/** Records what must happen before the first dispatch: clears of the outputs, and copies out of staging buffers. */
export function encodeTransfersIn(encoder: GPUCommandEncoder, { layout: { regions }, memory }: Batch): void {
  let part = 0;
  for (let i = 0; i < regions.length; i += 1) {
    const { clear, upload, staged, resident } = regions[i]!;
    if (resident) return;
    const { buffer } = memory.regions[i]!;
    // Pooled buffers keep old bytes; WebGPU zeroes only new ones.
    if (clear.byteLength > 0) encoder.clearBuffer(buffer, clear.start, clear.byteLength);
    if (upload) encodeUpload(encoder, upload, buffer, memory);
    if (!staged) continue;
    for (const { start, byteLength } of staged) {
      encoder.copyBufferToBuffer(memory.staged[part]!.buffer, 0, buffer, start, byteLength);
      part += 1;
    }
  }
}

/** Records the copies of all results into staging buffers that the host can map. */
export function encodeTransfersOut(encoder: GPUCommandEncoder, { layout: { regions }, memory }: Batch): void {
  for (let i = 0; i < regions.length; i += 1) {
    const { download, resident } = regions[i]!;
    if (resident) return;
    if (download) encodeDownload(encoder, download, memory.regions[i]!.buffer, memory);
  }
}

/** Records an access to resident arrays: its uploads, its downloads and its own commands. */
export function encodeArrayTransfers(
  encoder: GPUCommandEncoder,
  run: number,
  { runs, layout: { places, regions }, memory }: Batch,
): void {
  runs[run]!.record?.(encoder);
  for (const place of places[run]!) {
    if (!place) continue;
    const { upload, download, resident } = regions[place.region]!;
    // Shared regions are transferred once for the whole batch.
    if (!resident) continue;
    const { buffer } = memory.regions[place.region]!;
    if (upload) encodeUpload(encoder, upload, buffer, memory);
    if (download) encodeDownload(encoder, download, buffer, memory);
  }
}

/** Records nothing if the upload went through the queue. */
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

/**
 * Copies the results of each run out of mapped staging buffers. If one run of several cannot have its results, its
 * entry is the error.
 */
export function readResults(
  { runs, layout: { places, regions } }: Batch,
  mapped: readonly ArrayBuffer[],
  leaseOf: (name: string, data: TypedArray) => Lease,
  memory: readonly (ResultMemory | undefined)[] | undefined,
): (Record<string, TypedArray | Lease> | ComputeError)[] {
  return runs.map(({ plan, caller }, run) => {
    // The promise of a caller who left has settled, and the caller may reuse the arrays for its results.
    if (caller.left) return {};
    const placeOf = (resource: number) => {
      const place = places[run]![resource]!;
      const { staging, stagingStart, start } = regions[place.region]!.download!;
      return { memory: mapped[staging]!, offset: stagingStart + place.start - start };
    };
    try {
      return collectResults(plan, placeOf, leaseOf, memory?.[run]);
    } catch (error) {
      // The other runs have succeeded, and must not run again: they may have written arrays.
      if (runs.length > 1 && isComputeError(error)) return error;
      throw error;
    }
  });
}
