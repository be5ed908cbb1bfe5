import { ComputeError } from "./compute-error.js";

/** A function of Kiln that is on the stack, or that an async stack leads to. */
export type OwnFunction = (...given: never[]) => unknown;
/** Frames at the top of a stack that are Node's own: those of a timer that ended a run, for instance. */
const platformFrames = /^(?:\n {4}at [^\n]*\bnode:[^\n]*)+/u;
type Capture = (target: object, below: OwnFunction) => void;

/**
 * Returns `error` for the caller of the first of `functions` that is on the stack: the stack begins with the caller's
 * own frame. Call this only where a call has failed, since it captures a stack.
 *
 * The caller gets a copy, because several runs may reject with one error. An engine other than V8, or a caller that
 * does not await the call, has no frame to begin with; then the error stays as it is. So does any error that is not
 * just a `ComputeError`.
 */
export function atCaller(error: unknown, ...functions: readonly OwnFunction[]): unknown {
  const { captureStackTrace } = Error as typeof Error & { readonly captureStackTrace?: Capture };
  if (!captureStackTrace || !(error instanceof ComputeError) || error.constructor !== ComputeError) return error;
  const { code, message, diagnostics } = error;
  const shown = new ComputeError(
    code,
    message,
    "cause" in error ? { diagnostics, cause: error.cause } : { diagnostics },
  );
  for (const own of functions) {
    captureStackTrace.call(Error, shown, own);
    const { stack } = shown;
    const head = String(shown);
    if (!stack?.startsWith(head)) continue;
    const frames = stack.slice(head.length).replace(platformFrames, "");
    if (frames === "") continue;
    shown.stack = head + frames;
    return shown;
  }
  return error;
}
