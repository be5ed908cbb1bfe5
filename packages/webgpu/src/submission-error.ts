import { ComputeError } from "@kiln-gpu/core";

/**
 * The error of a run whose submission the device refused. Nothing of the run was executed, and the contents of its
 * memory mean nothing.
 */
export function submissionError(subject: string, refusal: GPUError): ComputeError {
  return new ComputeError(
    "invalid-kernel",
    `${subject} was refused by the device at its submission: ${refusal.message.trim()}`,
    {
      cause: refusal,
    },
  );
}
