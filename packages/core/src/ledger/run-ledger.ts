import { checkOptionNames } from "../bindings/check-options.js";
import { describeValue } from "../bindings/describe-value.js";
import type { BackendStats } from "../contract/compute-backend.js";
import { type PrepareOptions, prepareOptionNames, type RunOptions } from "../contract/run-options.js";
import type { Tracer } from "../contract/tracer.js";
import { atCaller, type OwnFunction } from "../errors/at-caller.js";
import { ComputeError } from "../errors/compute-error.js";
import { MemoryLease } from "../results/memory-lease.js";
import { AbortSignals } from "./abort-signals.js";
import { TraceRecorder, type WorkTrace } from "./trace-recorder.js";

/** The caller of a run, who waits for its results. */
export class Caller {
  /** Whether it may leave before the run has ended: it gave a signal or a deadline. */
  readonly mayLeave: boolean;
  /** Present while a tracer is on. */
  readonly trace: WorkTrace | undefined;
  #left: ComputeError | undefined;
  #listeners: ((reason: ComputeError) => void)[] | undefined;

  constructor(mayLeave = false, trace?: WorkTrace) {
    this.mayLeave = mayLeave;
    this.trace = trace;
  }

  /** Why the caller stopped waiting, `aborted` or `timeout`; `undefined` while it waits. */
  get left(): ComputeError | undefined {
    return this.#left;
  }

  /** Calls `listener` once when the caller leaves, before its promise rejects; at once if it has left. */
  onLeave(listener: (reason: ComputeError) => void): void {
    if (this.#left) listener(this.#left);
    else if (this.mayLeave) (this.#listeners ??= []).push(listener);
  }

  leave(reason: ComputeError): void {
    this.#left = reason;
    for (const listener of this.#listeners ?? []) listener(reason);
    this.#listeners = undefined;
  }
}

/**
 * A backend's account of its runs: which may start, what is counted, and when the last one has ended. A caller's signal
 * or deadline settles the caller's promise; the work behind it goes on to its own end, and frees what it holds then.
 */
export class RunLedger {
  /** Present if the backend has a tracer. */
  readonly recorder: TraceRecorder | undefined;
  readonly #name: string;
  /** How many runs and tasks have started and not ended. */
  #working = 0;
  readonly #whenIdle: (() => void)[] = [];
  readonly #onEnd = () => {
    this.#working -= 1;
    if (this.#working === 0 && this.#whenIdle.length > 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  };
  readonly #signals = new AbortSignals();
  readonly #counts = { started: 0, completed: 0, failed: 0, retried: 0 };
  #closed = false;

  /** @throws {ComputeError} `invalid-option` if `tracer` is not a tracer. */
  constructor(name: string, tracer?: Tracer) {
    this.#name = name;
    this.recorder = tracer === undefined ? undefined : new TraceRecorder(name, tracer);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Starts `work` as a run, unless the backend is disposed or `options` end the run before it began.
   * @param work Learns from `caller` when its caller stops waiting, and may then skip what has not begun.
   * @param subject Begins the sentence of an error.
   * @param method The caller called it; stacks of errors begin there.
   * @throws {ComputeError} `disposed`, `aborted`, `timeout`, `invalid-option`; always as a rejection.
   */
  start<T>(
    label: string,
    options: RunOptions,
    work: (caller: Caller) => Promise<T>,
    subject = `The run of kernel "${label}"`,
    method?: OwnFunction,
  ): Promise<T> {
    return this.#start("run", label, subject, options, work, method ?? this.start);
  }

  /**
   * Starts `work` under the same rules as a task: anything that is not a run, and that is counted nowhere.
   * @param subject Names the task in traces, and begins the sentence of an error.
   */
  startTask<T>(
    subject: string,
    options: PrepareOptions,
    work: (caller: Caller) => Promise<T>,
    method?: OwnFunction,
  ): Promise<T> {
    return this.#start("task", subject, subject, options, work, method ?? this.startTask);
  }

  async #start<T>(
    kind: WorkTrace["kind"],
    label: string,
    subject: string,
    options: RunOptions,
    work: (caller: Caller) => Promise<T>,
    method: OwnFunction,
  ): Promise<T> {
    try {
      this.#check(kind, subject, options);
    } catch (error) {
      throw atCaller(error, method);
    }
    const counts = kind === "run" ? this.#counts : undefined;
    if (counts) counts.started += 1;
    this.#working += 1;
    const caller = new Caller(isBounded(options), this.recorder?.begin(kind, label));
    let working: Promise<T> | undefined;
    try {
      working = work(caller);
      const results = await (caller.mayLeave ? settleEarly(working, subject, options, caller, this.#signals) : working);
      if (this.#closed) this.#refuseHolders(results);
      if (counts) counts.completed += 1;
      if (caller.trace) this.recorder?.end(caller.trace);
      return results;
    } catch (error) {
      if (counts) counts.failed += 1;
      if (caller.trace) this.recorder?.end(caller.trace, { error });
      // A caller who left just before the results came does not get them.
      if (caller.left) working?.then(releaseLeases, () => undefined);
      // `method` is on the stack if `work` has thrown inside the call.
      throw atCaller(error, method, this.#start);
    } finally {
      // Work whose caller has left goes on, and ends later.
      if (caller.left && working) working.then(this.#onEnd, this.#onEnd);
      else this.#onEnd();
    }
  }

  #check(kind: WorkTrace["kind"], subject: string, options: RunOptions): void {
    this.checkOpen();
    // Those of a run were checked when they were taken.
    if (kind === "task") checkOptionNames(subject, options, prepareOptionNames);
    checkValues(subject, options);
    if (options.signal?.aborted) throw abortedError(subject, options.signal);
  }

  /** Counts that a run is started again because its device was lost. */
  countRetry(): void {
    this.#counts.retried += 1;
  }

  /** @throws {ComputeError} `disposed`. */
  checkOpen(): void {
    if (this.#closed) throw this.disposed();
  }

  /** The error of calls that a disposed backend cannot serve. */
  disposed(): ComputeError {
    return new ComputeError("disposed", `The ${this.#name} backend is disposed; open another one.`);
  }

  /**
   * `dispose` ends leases, arrays and the like, so a caller must not get one after it.
   * @throws {ComputeError} `disposed` if `results` are or contain one.
   */
  #refuseHolders(results: unknown): void {
    const holders = [results, ...Object.values(results ?? {})].filter(isDisposable);
    if (holders.length === 0) return;
    for (const holder of holders) holder[Symbol.dispose]();
    throw this.disposed();
  }

  /** Lets nothing start from now on, and waits until everything that has started has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#working > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  stats(): BackendStats["runs"] {
    const { started, completed, failed, retried } = this.#counts;
    return { started, completed, failed, pending: started - completed - failed, retried };
  }
}

function releaseLeases(results: unknown): void {
  if (typeof results !== "object" || results === null) return;
  for (const value of Object.values(results)) if (value instanceof MemoryLease) value.release();
}

function isDisposable(value: unknown): value is Disposable {
  return typeof (value as Partial<Disposable> | null | undefined)?.[Symbol.dispose] === "function";
}

function isBounded({ signal, timeoutMs }: RunOptions): boolean {
  return signal !== undefined || (timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY);
}

/** The longest time that Node's timers take. */
const longestTimerMs = 0x7fff_ffff;

function settleEarly<T>(
  working: Promise<T>,
  subject: string,
  { signal, timeoutMs }: RunOptions,
  caller: Caller,
  signals: AbortSignals,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stopWaiting = () => {
      if (signal) signals.delete(signal, onAbort);
      clearTimeout(timer);
    };
    const leave = (error: ComputeError) => {
      stopWaiting();
      caller.leave(error);
      reject(error);
    };
    const onAbort = () => leave(abortedError(subject, signal!));
    const onTimeout = () => leave(new ComputeError("timeout", `${subject} has not finished within ${timeoutMs} ms.`));
    working.then(resolve, reject).finally(stopWaiting);
    // The work may have aborted the signal before its first await; no event comes for that any more.
    if (signal?.aborted) return onAbort();
    if (signal) signals.add(signal, onAbort);
    const wait = (leftMs: number) => {
      const onTimer = leftMs > longestTimerMs ? () => wait(leftMs - longestTimerMs) : onTimeout;
      timer = setTimeout(onTimer, Math.min(leftMs, longestTimerMs));
    };
    if (timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY) wait(timeoutMs);
  });
}

function abortedError(subject: string, signal: AbortSignal): ComputeError {
  return new ComputeError("aborted", `${subject} is aborted.`, { cause: signal.reason });
}

function checkValues(subject: string, { signal, timeoutMs }: RunOptions): void {
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0)) {
    throw new ComputeError(
      "invalid-option",
      `${subject}: "timeoutMs" must be a number of milliseconds above 0, or Infinity for no limit; ` +
        `got ${describeValue(timeoutMs)}.`,
    );
  }
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    const given = describeValue(signal);
    throw new ComputeError("invalid-option", `${subject}: "signal" must be an AbortSignal; got ${given}.`);
  }
}
