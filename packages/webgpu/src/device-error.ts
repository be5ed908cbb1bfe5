import { ComputeError, isComputeError } from "@kiln-gpu/core";
import { lossOr } from "./loss-or.js";
import type { OpenDevice } from "./open-device.js";

/**
 * What a step on a device is reported to have failed of: what it says itself, the device's loss, or else `device-failed`, for a call that
 * WebGPU should have taken.
 * @param subject Begins the sentence: `Kernel "saxpy"`.
 */
export async function deviceError(open: OpenDevice, subject: string, error: unknown): Promise<ComputeError> {
  if (isComputeError(error)) return error;
  const reason = await lossOr(open, error);
  if (reason === open.loss) return open.loss!;
  const said = error instanceof Error ? error.message : String(error);
  return new ComputeError("device-failed", `${subject} has failed in WebGPU: ${said || "no reason is given"}`, {
    cause: error,
  });
}
