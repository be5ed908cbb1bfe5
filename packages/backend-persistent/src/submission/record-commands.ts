/** Records the commands of a batch: copies and dispatches, in order. */
import { type EncodableDispatch, encodeDispatches } from "@kiln-gpu/webgpu";
import type { Batch } from "./batch.js";
import { encodeArrayTransfers, encodeTransfersIn, encodeTransfersOut } from "./transfer.js";

/** Records everything but the inputs, which the queue or the host writes. */
export function recordCommands(
  device: GPUDevice,
  batch: Batch,
  dispatches: readonly EncodableDispatch[],
): GPUCommandBuffer {
  const encoder = device.createCommandEncoder();
  encodeTransfersIn(encoder, batch);
  encodeRuns(encoder, batch, dispatches);
  encodeTransfersOut(encoder, batch);
  batch.timer?.resolve(encoder);
  return encoder.finish();
}

/** Puts the dispatches of neighboring runs into one pass. An access to arrays comes between passes. */
function encodeRuns(encoder: GPUCommandEncoder, batch: Batch, dispatches: readonly EncodableDispatch[]): void {
  const { runs, timer } = batch;
  let next = 0;
  for (let run = 0; run < runs.length; run += 1) {
    const first = next;
    while (run < runs.length && runs[run]!.plan.dispatches.length > 0) {
      next += runs[run]!.plan.dispatches.length;
      run += 1;
    }
    if (next > first) {
      const pass = encoder.beginComputePass(timer && { timestampWrites: timer.timestampWrites });
      encodeDispatches(pass, next - first === dispatches.length ? dispatches : dispatches.slice(first, next), runs);
      pass.end();
    }
    if (run < runs.length) encodeArrayTransfers(encoder, run, batch);
  }
}
