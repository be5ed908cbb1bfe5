import { ComputeError } from "@kiln-gpu/core";

/**
 * The error of a pool that gives no memory, with what needed it; any other error as it is.
 * @param subject Begins the sentence of an error: `Kernel "blur"`.
 */
export function memoryError(subject: string, error: unknown): unknown {
  const isOfPool = error instanceof ComputeError && (error.code === "limit-exceeded" || error.code === "out-of-memory");
  if (!isOfPool) return error;
  return new ComputeError(error.code, `${subject} gets no memory. ${error.message}`, { cause: error.cause ?? error });
}
