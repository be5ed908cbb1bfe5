import { type ComputeErrorCode, isComputeError } from "./compute-error.js";
import { Refusal } from "./refusal.js";

/**
 * Calls a function that a user wrote, such as a kernel's `threads`.
 * @param name What errors call it.
 * @throws {ComputeError} `code`, with the function's error as its cause. A `ComputeError` of the function passes
 *   through.
 */
export function callOwn<T>(name: string, code: ComputeErrorCode, call: () => T): T {
  let value: T;
  try {
    value = call();
  } catch (cause) {
    if (isComputeError(cause)) throw cause;
    const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new Refusal(code, `: its function \`${name}\` threw ${what}`, { cause });
  }
  if (!isThenable(value)) return value;
  // Nothing else handles its rejection.
  Promise.resolve(value).catch(() => undefined);
  throw new Refusal(
    code,
    `: its function \`${name}\` returned a promise; it is called and read at once, so it cannot be \`async\`.`,
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function";
}
