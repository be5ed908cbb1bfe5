/**
 * Ends a Node worker thread that computes. If a worker ends while the device owes it an answer (to a map, a submission
 * or a compilation), Node aborts the whole process. So the main thread asks the worker to end, and the worker ends by
 * itself once its backends are disposed.
 *
 * No code can prevent the abort in these cases. Each was seen to abort nearly every time with runs in flight, and never
 * without: `worker.terminate()`; `process.exit()` in the worker; the end of the main thread, by `process.exit()`, by an
 * uncaught error, or by itself after `worker.unref()`. A signal without a handler ends the process as usual.
 */
import { ComputeError } from "@kiln-gpu/core";
import { checkOptionNames, describeValue, optionNames } from "@kiln-gpu/core/backend";

/** The part of `parentPort` of `node:worker_threads` that is used here. */
export interface StopPort {
  on(event: "message", listener: (message: unknown) => void): unknown;
  unref(): void;
}

/** The part of a `Worker` of `node:worker_threads` that is used here. */
export interface StoppableWorker {
  /** -1 once the worker has ended. */
  readonly threadId: number;
  postMessage(message: unknown): void;
  once(event: "exit", listener: (code: number) => void): unknown;
  off(event: "exit", listener: (code: number) => void): unknown;
}

const key = "@kiln-gpu/webgpu";
const stopMessage = { [key]: "stop" };

/**
 * In a worker thread: disposes `backends` when the main thread calls `stopWorker`, and then lets the thread end. An
 * uncaught error also ends the thread only after the backends are disposed. Until then the thread stays alive.
 *
 * Call it before the worker listens to its port itself, so that those listeners do not see the stop message. It may be
 * called several times.
 * @param backends Backends, or promises of them, so that a stop during the opening is heard.
 * @returns A signal that is aborted as soon as the worker has to end: loops end by it, since later runs reject with
 *   `disposed`.
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
      "disposeOnStop: the port must be the `parentPort` of a worker thread; got none.",
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

export interface StopOptions {
  /**
   * How many milliseconds to wait; `Infinity` sets no limit.
   * @default Infinity
   */
  readonly timeoutMs?: number;
}

const stopOptionNames = /* @__PURE__ */ optionNames<StopOptions>({ timeoutMs: true });

/**
 * Asks a worker that has called `disposeOnStop` to end, and waits until it has ended, with its runs finished and its
 * backends disposed.
 * @returns The worker's exit code; `undefined` if it had ended before.
 * @throws {ComputeError} `timeout` if the worker has not ended within `timeoutMs`: it did not call `disposeOnStop`, it
 *   waits for something else, or a kernel does not end. The worker is left running, since to terminate it may abort the
 *   process. `invalid-option` if `timeoutMs` is not a positive number of milliseconds.
 */
export async function stopWorker(worker: StoppableWorker, options: StopOptions = {}): Promise<number | undefined> {
  checkOptionNames("stopWorker", options, stopOptionNames);
  const { timeoutMs } = options;
  const isTimed = timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY;
  if (isTimed && !(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs <= 0x7fff_ffff)) {
    throw new ComputeError(
      "invalid-option",
      `stopWorker: "timeoutMs" must be more than 0 and at most ${0x7fff_ffff}, or Infinity for no limit; ` +
        `got ${describeValue(timeoutMs)}.`,
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
    if (!isTimed) return;
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
    // The caller that opens it gets the error.
    return;
  }
  await opened[Symbol.asyncDispose]();
}

const endsKey = Symbol.for("@kiln-gpu/webgpu/ends");

interface EndingPort extends EventTarget {
  unref(): void;
  [endsKey]?: (() => Promise<unknown>)[];
}

/**
 * What is to be done before the thread of this port ends. All calls share one list, which every copy of this package
 * finds on the port.
 */
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

/**
 * Lets an error that nothing catches end the thread only after `end`, since the device may still owe answers before.
 */
function endOnError(end: () => Promise<unknown>): void {
  const onError = async (error: unknown) => {
    // With a listener of its own the thread goes on.
    if (globalThis.process.listenerCount("uncaughtException") > 1) return;
    await end();
    globalThis.process.off("uncaughtException", onError);
    queueMicrotask(() => {
      throw error;
    });
  };
  globalThis.process.on("uncaughtException", onError);
}
