/**
 * Ends a worker thread of Node's that computes. Node ends the whole process, by an abort, when a worker ends while the device owes it an
 * answer: a map that is pending, a submission, a compilation. So a worker is asked to end, and ends by itself once all its backends are disposed.
 *
 * What no code can defend, each seen to abort the process, nearly every time while runs were in flight and never while none were:
 * `worker.terminate()`; `process.exit()` inside the worker; and the end of the main thread, by `process.exit()`, by an error that nothing
 * catches, or by itself after `worker.unref()`. A signal without a handler ends the process as ever.
 */
import { ComputeError } from "@kiln-gpu/core";

/** What `parentPort` of `node:worker_threads` is. */
export interface StopPort {
  on(event: "message", listener: (message: unknown) => void): unknown;
  unref(): void;
}

/** What a `Worker` of `node:worker_threads` is. */
export interface StoppableWorker {
  /** -1 once it has ended. */
  readonly threadId: number;
  postMessage(message: unknown): void;
  once(event: "exit", listener: (code: number) => void): unknown;
  off(event: "exit", listener: (code: number) => void): unknown;
}

const key = "@kiln-gpu/webgpu";
const stopMessage = { [key]: "stop" };

/**
 * In a worker thread: disposes `backends` when the main thread calls `stopWorker`, and then no longer keeps the thread from its end. An
 * error that nothing catches ends the thread in the same way, as itself. Until either the thread stays.
 *
 * To be called before the worker listens to its port itself: then its listeners see no message of this protocol's.
 * @param backends What is to be disposed, or the promise of it, so that a stop while it opens is heard.
 * @returns Aborted as soon as the worker is to end: for loops, since later runs reject with `disposed`.
 * @example
 * const opening = openPersistentBackend();
 * const stop = disposeOnStop(parentPort, opening);
 * const gpu = await opening;
 * while (!stop.aborted) parentPort.postMessage(await gpu.run(kernel, bindings));
 */
export function disposeOnStop(
  port: StopPort | null,
  ...backends: readonly (AsyncDisposable | Promise<AsyncDisposable>)[]
): AbortSignal {
  if (!port) {
    throw new ComputeError(
      "invalid-option",
      "disposeOnStop is given no port; expected is the `parentPort` of a worker thread.",
    );
  }
  const controller = new AbortController();
  let ending: Promise<unknown> | undefined;
  // Node's types leave out that a port is an event target.
  endsOf(port as unknown as EndingPort).push(() => {
    controller.abort();
    ending ??= Promise.all(backends.map(disposeOf));
    return ending;
  });
  return controller.signal;
}

/**
 * Asks a worker that has called `disposeOnStop` to end, and waits until it has: its runs have ended and its backends are disposed by then.
 * @returns The worker's exit code; nothing where it had ended before.
 * @throws {ComputeError} `timeout` when it has not ended within `timeoutMs`: it never asked to be told, it has something else to wait for, or
 *   a kernel does not end. It is left as it is: to terminate it may abort the process. `invalid-option` for a `timeoutMs` that is none.
 */
export async function stopWorker(
  worker: StoppableWorker,
  { timeoutMs }: { readonly timeoutMs?: number } = {},
): Promise<number | undefined> {
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= 0x7fff_ffff)) {
    throw new ComputeError(
      "invalid-option",
      `stopWorker is given a timeoutMs of ${timeoutMs}; expected are milliseconds, more than 0 and at most ${0x7fff_ffff}.`,
    );
  }
  if (worker.threadId === -1) return undefined;
  return await new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onExit = (code: number) => {
      clearTimeout(timer);
      resolve(code);
    };
    worker.once("exit", onExit);
    worker.postMessage(stopMessage);
    if (timeoutMs === undefined) return;
    timer = setTimeout(() => {
      worker.off("exit", onExit);
      reject(new ComputeError("timeout", `The worker has not ended within ${timeoutMs} ms of being asked to.`));
    }, timeoutMs);
  });
}

async function disposeOf(backend: AsyncDisposable | Promise<AsyncDisposable>): Promise<void> {
  let opened: AsyncDisposable;
  try {
    opened = await backend;
  } catch {
    // Whoever opens it is told.
    return;
  }
  await opened[Symbol.asyncDispose]();
}

const endsKey = Symbol.for("@kiln-gpu/webgpu/ends");

interface EndingPort extends EventTarget {
  unref(): void;
  [endsKey]?: (() => Promise<unknown>)[];
}

/** What is to be done before the thread of this port ends. All calls share one list, which every copy of this package finds on the port. */
function endsOf(port: EndingPort): (() => Promise<unknown>)[] {
  if (port[endsKey]) return port[endsKey];
  const ends: (() => Promise<unknown>)[] = [];
  port[endsKey] = ends;
  const endAll = () => Promise.allSettled(ends.map((end) => end()));
  port.addEventListener("message", async (event) => {
    if ((event as MessageEvent).data?.[key] !== "stop") return;
    event.stopImmediatePropagation();
    await endAll();
    // The port is not closed: code that waited for a run may have its results to post.
    port.unref();
  });
  endOnError(endAll);
  return ends;
}

/** Lets an error that nothing catches end the thread only after `end`, since the device may still owe answers before. */
function endOnError(end: () => Promise<unknown>): void {
  const onError = async (error: unknown) => {
    // With a listener of its own the thread goes on.
    if (process.listenerCount("uncaughtException") > 1) return;
    await end();
    process.off("uncaughtException", onError);
    queueMicrotask(() => {
      throw error;
    });
  };
  process.on("uncaughtException", onError);
}
