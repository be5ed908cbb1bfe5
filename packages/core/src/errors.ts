/** What went wrong, as a stable word to branch on; the message is for people and may change. */
export type ComputeErrorCode =
  | "invalid-kernel"
  | "invalid-binding"
  | "unsupported-shader"
  | "shader-compilation"
  | "invalid-option"
  | "limit-exceeded"
  | "out-of-memory"
  | "device-lost"
  | "timeout"
  | "aborted"
  | "dependency-failed"
  | "disposed"
  | "no-adapter";

/** The one error that Kiln throws for anything that is not a defect of its own. */
export class ComputeError extends Error {
  override readonly name = "ComputeError";
  readonly code: ComputeErrorCode;

  constructor(code: ComputeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `error` is a `ComputeError`, of `code` where one is given; also for errors from a second copy of this package. */
export function isComputeError(error: unknown, code?: ComputeErrorCode): error is ComputeError {
  return (
    error instanceof Error &&
    error.name === "ComputeError" &&
    (code === undefined || (error as ComputeError).code === code)
  );
}
