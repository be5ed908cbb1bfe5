/** Errors on their way from the server to the caller. */
import { ComputeError, type ComputeErrorCode, type Diagnostic, isComputeError } from "@kiln-gpu/core";
import { invalidFrame } from "./frame.js";
import { type Json, textOf } from "./values.js";

/** How many causes of causes travel. */
const maxCauses = 4;

/** The code, message, diagnostics and causes of an error. Its stack stays where it is. */
export function encodeError(error: unknown, depth = 0): Json {
  const { name, message, cause } = error instanceof Error ? error : new Error(String(error));
  return {
    name,
    message,
    ...(isComputeError(error) && { code: error.code, diagnostics: error.diagnostics as unknown as Json }),
    ...(cause !== undefined && depth < maxCauses && { cause: encodeError(cause, depth + 1) }),
  };
}

/**
 * The error that was encoded: a `ComputeError` of the same code, or a plain `Error`, which is a defect.
 * @throws {ComputeError} `invalid-frame`.
 */
export function decodeError(json: unknown, depth = 0): Error {
  const given = (typeof json === "object" && json !== null ? json : {}) as { readonly [name: string]: unknown };
  const { code, diagnostics, cause } = given;
  const message = textOf(given.message);
  const options = cause !== undefined && depth < maxCauses ? { cause: decodeError(cause, depth + 1) } : {};
  if (code === undefined) return Object.assign(new Error(message, options), { name: textOf(given.name) });
  // A code that this version does not know is still a stable word to branch on.
  if (typeof code !== "string" || !/^[a-z]+(-[a-z]+)*$/.test(code)) throw invalidFrame("has an error without a code");
  return new ComputeError(code as ComputeErrorCode, message, { ...options, diagnostics: diagnosticsOf(diagnostics) });
}

function diagnosticsOf(json: unknown): Diagnostic[] {
  if (!Array.isArray(json)) throw invalidFrame("has an error without diagnostics");
  return (json as readonly Partial<Diagnostic>[]).map((given) => {
    const { message, file, line, column, length, source } = given ?? {};
    const isWhole = [line, column, length].every((count) => Number.isSafeInteger(count));
    if (!isWhole) throw invalidFrame("has a diagnostic without a place");
    return {
      message: textOf(message),
      ...(file !== undefined && { file: textOf(file) }),
      line: line!,
      column: column!,
      length: length!,
      source: textOf(source),
    };
  });
}
