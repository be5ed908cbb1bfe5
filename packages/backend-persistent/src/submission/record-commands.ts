/** The commands of a batch: what copies, what computes, and in which order. */
import { type DeviceTimer, type EncodableDispatch, encodeDispatches } from "@kiln-gpu/webgpu";
import type { BatchMemory } from "./batch-memory.js";
import type { BatchPlaces } from "./place-batch.js";
import type { ReadyRun } from "./ready-run.js";
import { encodeArrayTransfers, encodeTransfersIn, encodeTransfersOut } from "./transfer.js";

/** Records all of a batch but its inputs, which are written by themselves. */
export function recordCommands(
  device: GPUDevice,
  runs: readonly ReadyRun[],
  dispatches: readonly EncodableDispatch[],
  places: BatchPlaces,
  memory: BatchMemory,
  timer: DeviceTimer | undefined,
): GPUCommandBuffer {
  const encoder = device.createCommandEncoder();
  encodeTransfersIn(encoder, places, memory);
  encodeRuns(encoder, runs, dispatches, places, memory, timer);
  encodeTransfersOut(encoder, places, memory);
  timer?.resolve(encoder);
  return encoder.finish();
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
      encodeDispatches(pass, next - first === dispatches.length ? dispatches : dispatches.slice(first, next), runs);
      pass.end();
    }
    if (run < runs.length) encodeArrayTransfers(encoder, run, runs[run]!, places, memory);
  }
}
