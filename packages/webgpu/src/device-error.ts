import { ComputeError, isComputeError } from "@kiln-gpu/core";
import { lossOr } from "./loss-or.js";
import type { OpenDevice } from "./open-device.js";

/**
 * The error to report for a step on a device that failed with `error`: that error if it is a `ComputeError`, else the
 * device's loss, else `device-failed`.
 * @param subject The start of the message: `Kernel "saxpy"`.
 */
export async function deviceError(open: OpenDevice, subject: string, error: unknown): Promise<ComputeError> {
  if (isComputeError(error)) return error;
  const reason = await lossOr(open, error);
  if (reason === open.loss) return open.loss!;
  const said = error instanceof Error ? error.message : String(error);
  return new ComputeError("device-failed", `${subject} failed in WebGPU: ${said || "it gives no reason"}`, {
    cause: error,
  });
}
