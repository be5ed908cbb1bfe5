import { ComputeError } from "@kiln-gpu/core";

/** The error of a run whose submission the device refused: nothing of it ran, and what its memory holds means nothing. */
export function submissionError(subject: string, refusal: GPUError): ComputeError {
  return new ComputeError(
    "invalid-kernel",
    `${subject} is refused by the device as it is submitted: ${refusal.message.trim()}`,
    {
      cause: refusal,
    },
  );
}
