import { ComputeError } from "@kiln-gpu/core";

/** The error of a run whose submission the device refused: nothing of it ran, and what its memory holds means nothing. */
export function submissionError(label: string, refusal: GPUError): ComputeError {
  return new ComputeError(
    "invalid-kernel",
    `The device refuses the submission of kernel "${label}": ${refusal.message.trim()}`,
    {
      cause: refusal,
    },
  );
}
