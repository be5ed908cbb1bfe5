import type { Diagnostic } from "./diagnostic.js";

/** What went wrong, as a stable word to branch on; the message is for people and may change. */
export type ComputeErrorCode =
  | "invalid-kernel"
  | "invalid-binding"
  | "unsupported-shader"
  | "translator-unavailable"
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
  | "invalid-frame"
  | "no-adapter";

export interface ComputeErrorOptions extends ErrorOptions {
  readonly diagnostics?: readonly Diagnostic[];
}

/**
 * The only error that Kiln throws on purpose; any other error is a defect of Kiln.
 *
 * On V8 (Node, Deno, Chromium), the `stack` of an error of a backend's call begins with the caller's own frame: where
 * it called, or where it awaits the call. Code that handles the promise without `await` has no such frame, and finds
 * Kiln's own.
 */
export class ComputeError extends Error {
  override readonly name = "ComputeError";
  readonly code: ComputeErrorCode;
  /**
   * For `shader-compilation`, every error that the compiler found in the text. For refused SPIR-V with debug lines, the
   * place in its source. Empty where there is no text.
   */
  declare readonly diagnostics: readonly Diagnostic[];

  constructor(code: ComputeErrorCode, message: string, options?: ComputeErrorOptions) {
    super(message, options);
    this.code = code;
    // Not enumerable: the message shows them already, and a logged error would print them twice.
    Object.defineProperty(this, "diagnostics", { value: options?.diagnostics ?? [] });
  }
}

/**
 * Whether `error` is a `ComputeError`, and has `code` if one is given. Errors of another copy of this package count
 * too.
 */
export function isComputeError(error: unknown, code?: ComputeErrorCode): error is ComputeError {
  return (
    error instanceof Error &&
    error.name === "ComputeError" &&
    (code === undefined || (error as ComputeError).code === code)
  );
}
