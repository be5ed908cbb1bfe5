import { type ComputeErrorCode, isComputeError } from "./compute-error.js";
import { Refusal } from "./refusal.js";

/**
 * Calls a function that a user has given, such as a kernel's `threads`.
 * @param name What errors call it.
 * @throws {ComputeError} Of `code`, with the function's error as its cause; what the function throws, if that is a `ComputeError`.
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
  // Its rejection has nobody else to handle it.
  Promise.resolve(value).catch(() => undefined);
  throw new Refusal(
    code,
    `: its function \`${name}\` returned a promise; it is called and read at once, so it cannot be \`async\`.`,
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function";
}
