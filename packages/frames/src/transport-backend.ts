import {
  type BackendStats,
  type ComputeBackend,
  ComputeError,
  type DeviceInfo,
  type Kernel,
  type Lease,
  type PrepareOptions,
  type RunOptions,
  type RunResults,
  type Tracer,
  type TypedArray,
} from "@kiln-gpu/core";
import {
  atCaller,
  type Caller,
  checkAttached,
  checkKernel,
  checkResultArrays,
  MemoryLease,
  type OwnFunction,
  RunLedger,
  roleOf,
  type TakenRun,
  takeRun,
  withProfile,
} from "@kiln-gpu/core/backend";
import { type EncodedRun, encodeRun, prepareJob, runJob } from "./job.js";
import { Outbox, type OutboxLimits } from "./outbox.js";
import { type EncodedPrograms, ProgramEncoder, untuned } from "./programs.js";
import { askedResults, bindResults, decodeResults } from "./results.js";
import type { Transport } from "./transport.js";

export interface TransportBackendParts {
  /** Names the backend in errors. */
  readonly name: string;
  /** The device that the server's backend runs on. */
  readonly device: DeviceInfo;
  /** The backend closes it when it is disposed. */
  readonly transport: Transport;
  readonly limits?: Partial<OutboxLimits> | undefined;
  readonly tracer?: Tracer | undefined;
}

/** The client's own clock ends a run; the server's only stands in for a client that is gone. */
const deadlineSlackMs = 100;

/** How the job of a run is sent, where the transport has more to offer than a backend has. */
export interface SendingOptions {
  readonly id?: string;
  /**
   * What a queue orders its jobs by; its documentation says how.
   * @default 0
   */
  readonly priority?: number;
  readonly onProgress?: (value: number) => void;
}

const defaultLimits: OutboxLimits = { maxJobs: 256, maxBytes: 2 ** 28, lossRetries: 2 };

/**
 * A backend whose runs travel to a server. What a call reads is read at the call, and the kernel's functions are
 * evaluated here; the server checks, plans and runs. A run that is lost with its server is sent again, because
 * everything that it needs is still with its caller.
 */
export class TransportBackend implements ComputeBackend {
  readonly name: string;
  readonly device: DeviceInfo;
  readonly #transport: Transport;
  readonly #outbox: Outbox;
  readonly #runs: RunLedger;
  readonly #programs = new ProgramEncoder();
  readonly #leases = new Set<Lease>();
  readonly #idPrefix = randomDigits();
  #lastId = 0;
  #closing: Promise<void> | undefined;

  constructor({ name, device, transport, limits, tracer }: TransportBackendParts) {
    this.name = name;
    this.device = device;
    this.#transport = transport;
    this.#outbox = new Outbox(transport, { ...defaultLimits, ...limits });
    this.#runs = new RunLedger(name, tracer);
  }

  prepare(kernel: Kernel, options: PrepareOptions = {}): Promise<void> {
    try {
      checkKernel(kernel);
    } catch (error) {
      return Promise.reject(atCaller(error, this.prepare));
    }
    const subject = `The preparation of kernel "${kernel.label}"`;
    const chosen = untuned(kernel);
    const work = async (caller: Caller) => {
      const programs = await this.#programs.encode(chosen);
      const parts = prepareJob(chosen, programs);
      const { byHash } = programs;
      const id = this.#newId();
      const answer = await this.#outbox.deliver({
        id,
        subject,
        caller,
        byteLength: 0,
        programs: byHash,
        parts: () => parts,
      });
      decodeResults(answer.parts);
    };
    return this.#runs.startTask(subject, options, work, this.prepare);
  }

  run<B, const O extends RunOptions<B> = RunOptions<B>>(
    kernel: Kernel,
    bindings: B,
    options?: RunOptions<B>,
  ): Promise<RunResults<B, O>> {
    return this.runAs({}, kernel, bindings, options as RunOptions, this.run) as Promise<RunResults<B, O>>;
  }

  /**
   * Runs as `run` does, for a backend whose transport knows jobs by name or by priority.
   * @param method The caller called it; stacks of errors begin there.
   */
  protected runAs(
    sending: SendingOptions,
    kernel: Kernel,
    bindings: unknown,
    options: RunOptions | undefined,
    method: OwnFunction,
  ): Promise<object> {
    let run: TakenRun;
    try {
      run = takeRun(kernel, bindings, options as RunOptions);
    } catch (error) {
      return Promise.reject(atCaller(error, method));
    }
    const work = (caller: Caller) => this.#run(run, caller, sending);
    return this.#runs.start(kernel.label, run.options, work, undefined, method);
  }

  /** Encodes the run inside its call, and sends it. */
  #run(taken: TakenRun, caller: Caller, sending: SendingOptions): Promise<object> {
    const calledAt = performance.now();
    const kernel = untuned(taken.kernel);
    const run: TakenRun = { ...taken, kernel };
    this.#checkBindings(run);
    const encoded = encodeRun(run);
    const programs = this.#programs.encode(kernel);
    if (!(programs instanceof Promise)) return this.#send(run, encoded, programs, caller, sending, calledAt);
    return programs.then((known) => this.#send(run, encoded, known, caller, sending, calledAt));
  }

  /** Checks what only this side can see: memory of other backends, and the arrays that results go into. */
  #checkBindings({ kernel, bindings }: TakenRun): void {
    const subject = `Kernel "${kernel.label}"`;
    for (const [name, value] of Object.entries(bindings)) {
      const role = roleOf(value);
      if (role === "staged" || role === "resident") {
        throw new ComputeError(
          "invalid-binding",
          `${subject} is given ${role === "staged" ? "staged memory" : "a resident array"} as "${name}"; ` +
            `the ${this.name} backend binds typed arrays only.`,
        );
      }
      if (ArrayBuffer.isView(value)) checkAttached(subject, name, value);
    }
    checkResultArrays(subject, bindings);
  }

  async #send(
    { kernel, bindings, options }: TakenRun,
    encoded: EncodedRun,
    programs: EncodedPrograms,
    caller: Caller,
    sending: SendingOptions,
    calledAt: number,
  ): Promise<object> {
    const asked = askedResults(bindings);
    const inputBytes = encoded.arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const resultBytes = asked.reduce((sum, { length, type }) => sum + (length * type?.BYTES_PER_ELEMENT || 0), 0);
    const { profile, timeoutMs = Number.POSITIVE_INFINITY } = options;
    const answer = await this.#outbox.deliver({
      id: this.#newId(),
      ...sending,
      subject: `The run of kernel "${kernel.label}"`,
      caller,
      byteLength: inputBytes + Math.max(resultBytes, 0),
      programs: programs.byHash,
      parts: () => {
        const { mayLeave } = caller;
        const leftMs = Math.max(Math.ceil(timeoutMs - (performance.now() - calledAt)), 1) + deadlineSlackMs;
        const isTimed = leftMs !== Number.POSITIVE_INFINITY;
        return runJob(encoded, programs, {
          ...(profile && { profile }),
          ...(mayLeave && { mayLeave }),
          ...(isTimed && { timeoutMs: leftMs }),
        });
      },
      onRetry: () => this.#runs.countRetry(),
    });
    try {
      const decoded = decodeResults(answer.parts);
      const results = bindResults(asked, decoded, (name, data) => this.#lease(name, data));
      if (!profile) return results;
      const { queuedMs } = answer;
      const totalMs = performance.now() - calledAt;
      return withProfile(results, { ...decoded.profile!, totalMs, ...(queuedMs !== undefined && { queuedMs }) });
    } catch (error) {
      throw isSameError(error, encoded.failure) ? encoded.failure : error;
    }
  }

  #lease(name: string, data: TypedArray): Lease {
    const lease: Lease = new MemoryLease(name, data, () => this.#leases.delete(lease));
    this.#leases.add(lease);
    return lease;
  }

  /** Different from those of every other client: a queue may serve many. */
  #newId(): string {
    this.#lastId += 1;
    return `${this.#idPrefix}-${this.#lastId}`;
  }

  /** Counts the runs of this client. What is on the device is counted where the device is, and is 0 here. */
  stats(): BackendStats {
    const none = { made: 0, reused: 0, live: 0 };
    return {
      runs: this.#runs.stats(),
      submissions: 0,
      queue: this.#outbox.counts,
      devices: { ...none, lost: 0, abandoned: 0 },
      pipelines: { ...none, evicted: 0, warmed: 0 },
      bindGroups: { ...none, evicted: 0 },
      buffers: { ...none, bytes: 0, highWaterBytes: 0, inUseBytes: 0, waiting: 0 },
      store: { hits: 0, misses: 0, failures: 0, programs: 0 },
    };
  }

  dispose(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = this.#runs.close();
    for (const lease of this.#leases) lease.release();
    await closed;
    await this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Whether the server reports the error of the kernel's own functions, which this side has with its cause. */
function isSameError(error: unknown, own: unknown): boolean {
  if (!(error instanceof ComputeError) || !(own instanceof ComputeError)) return false;
  return error.code === own.code && error.message === own.message;
}

function randomDigits(): string {
  const digits = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(digits, (digit) => digit.toString(36)).join("");
}
