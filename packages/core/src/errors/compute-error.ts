import type { Diagnostic } from "./diagnostic.js";

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
  | "device-failed"
  | "disposed"
  | "no-adapter";

export interface ComputeErrorOptions extends ErrorOptions {
  readonly diagnostics?: readonly Diagnostic[];
}

/** The one error that Kiln throws for anything that is not a defect of its own. */
export class ComputeError extends Error {
  override readonly name = "ComputeError";
  readonly code: ComputeErrorCode;
  /** Of `shader-compilation`: each error that the compiler found in the text, all of them. Of SPIR-V with debug lines that is refused: the place in
   * its source. Empty for what has no text. */
  declare readonly diagnostics: readonly Diagnostic[];

  constructor(code: ComputeErrorCode, message: string, options?: ComputeErrorOptions) {
    super(message, options);
    this.code = code;
    // Not enumerable: the message shows them already, and whoever logs an error would see them twice.
    Object.defineProperty(this, "diagnostics", { value: options?.diagnostics ?? [] });
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
