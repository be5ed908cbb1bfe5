import {
  type BackendStats,
  ComputeError,
  type DeviceInfo,
  isComputeError,
  type Kernel,
  type Parameters,
  type PrepareOptions,
  type RecordRun,
  type References,
  type ReplayOptions,
  type ReplayValues,
  type ResidentArray,
  type RunOptions,
  type RunResults,
  type Sequence,
  type Staged,
  type TypedArray,
  type TypedArrayConstructor,
} from "@kiln-gpu/core";
import type { TakenRun } from "@kiln-gpu/core/backend";
import {
  atCaller,
  type Caller,
  checkKernel,
  RunLedger,
  recordRuns,
  roleOf,
  takeBindings,
  takeRun,
} from "@kiln-gpu/core/backend";
import { checkGpu, chooseGpu, type GpuInfo } from "@kiln-gpu/webgpu";
import { leastLoaded, type Member } from "./member.js";
import type {
  MultiGpuArrayOptions,
  MultiGpuComputeBackend,
  MultiGpuEvents,
  MultiGpuRecordOptions,
  MultiGpuStats,
  PlaceOptions,
} from "./multi-gpu-compute-backend.js";
import { sharedDevice } from "./shared-device.js";
import { sumOfStats } from "./sum-of-stats.js";

/** Gives each run to a persistent backend, one of which works on each GPU. */
export class MultiGpuBackend implements MultiGpuComputeBackend {
  readonly name = "multi-gpu";
  readonly gpus: readonly GpuInfo[];
  readonly #members: readonly Member[];
  readonly #lossRetries: number;
  readonly #runs = new RunLedger("multi-gpu");
  /** Where arrays, staged memory and sequences are. */
  readonly #places = new WeakMap<object, Member>();
  #closing: Promise<void> | undefined;

  /** @param lossRetries How often a run goes on elsewhere. */
  constructor(members: readonly Member[], lossRetries: number) {
    this.#members = members;
    this.#lossRetries = lossRetries;
    this.gpus = members.map(({ gpu }) => gpu);
  }

  get device(): DeviceInfo {
    return sharedDevice(this.#members.map(({ backend }) => backend.device));
  }

  gpuOf(held: ResidentArray | Staged | Sequence): GpuInfo | undefined {
    return this.#places.get(held)?.gpu;
  }

  /** A GPU whose device is lost and not replaced compiles later, when a run needs it. */
  prepare(kernel: Kernel, options: PrepareOptions = {}): Promise<void> {
    try {
      checkKernel(kernel);
    } catch (error) {
      return Promise.reject(atCaller(error, this.prepare));
    }
    const work = async () => {
      const ends = await Promise.allSettled(this.#members.map(({ backend }) => backend.prepare(kernel, options)));
      const reasons = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
      const refusal = reasons.find((reason) => !isComputeError(reason, "device-lost"));
      if (refusal ?? (reasons.length === ends.length && reasons[0])) throw refusal ?? reasons[0];
    };
    return this.#runs.startTask(`The preparation of kernel "${kernel.label}"`, options, work, this.prepare);
  }

  run<B, const O extends RunOptions<B> = RunOptions<B>>(
    kernel: Kernel,
    bindings: B,
    options?: RunOptions<B>,
  ): Promise<RunResults<B, O>> {
    let run: TakenRun;
    let place: Member | undefined;
    try {
      run = takeRun(kernel, bindings, options as RunOptions);
      place = this.#placeOf(`Kernel "${kernel.label}"`, [run.bindings]);
    } catch (error) {
      return Promise.reject(atCaller(error, this.run));
    }
    const work = (caller: Caller): Promise<object> => {
      const left = signalOf(caller);
      return this.#own(place ? place.load(() => runOn(place, run, left)) : this.#runAnywhere(run, left));
    };
    return this.#runs.start(kernel.label, run.options, work, undefined, this.run) as Promise<RunResults<B, O>>;
  }

  /**
   * Runs what needs nothing but its arguments, on another GPU if that of the first attempt is lost.
   * @param left Aborts when the caller leaves.
   */
  async #runAnywhere(run: TakenRun, left: AbortSignal | undefined): Promise<object> {
    for (let moves = 0; ; moves += 1) {
      const member = leastLoaded(this.#members);
      const { loss } = member;
      try {
        return await member.load(() => runOn(member, run, left ? AbortSignal.any([left, loss]) : loss));
      } catch (error) {
        const isLost = isComputeError(error, "device-lost") || (loss.aborted && isComputeError(error, "aborted"));
        if (!isLost || left?.aborted) throw error;
        if (moves >= this.#lossRetries) throw loss.aborted ? loss.reason : error;
        this.#runs.countRetry();
      }
    }
  }

  /** Rejects with this backend's own error if it was disposed before `work` was done. */
  async #own<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#runs.closed && isComputeError(error, "disposed") ? this.#runs.disposed() : error;
    }
  }

  /**
   * The GPU that what is bound lives on; `undefined` if nothing of it lives on one.
   * @throws {ComputeError} `invalid-binding` if it lives on two.
   */
  #placeOf(subject: string, all: readonly object[]): Member | undefined {
    let first: { readonly name: string; readonly member: Member } | undefined;
    for (const bindings of all) {
      for (const [name, value] of Object.entries(bindings)) {
        const role = roleOf(value);
        if (role !== "resident" && role !== "staged") continue;
        const member = this.#places.get(value as object);
        // An array of another backend is refused by the backend that runs this.
        if (!member || member === first?.member) continue;
        if (first) throw onTwoGpus(subject, first.name, first.member, name, member);
        first = { name, member };
      }
    }
    return first?.member;
  }

  /** The GPU that an option names; the first one if it names none. */
  #named(gpu: string | number | undefined): Member {
    if (gpu === undefined) return this.#members[0]!;
    checkGpu(gpu);
    return this.#members[this.gpus.indexOf(chooseGpu(gpu, this.gpus))]!;
  }

  async array<T extends TypedArray>(
    given: T | TypedArrayConstructor<T>,
    second?: number | MultiGpuArrayOptions,
    third?: MultiGpuArrayOptions,
  ): Promise<ResidentArray<T>> {
    try {
      const isFilled = ArrayBuffer.isView(given);
      const { gpu, ...options } = ((isFilled ? second : third) ?? {}) as MultiGpuArrayOptions;
      this.#runs.checkOpen();
      const member = this.#named(gpu);
      const { backend } = member;
      const making = isFilled
        ? backend.array(given as T, options)
        : backend.array(given as TypedArrayConstructor<T>, second as number, options);
      const array = await this.#own(making);
      this.#places.set(array, member);
      return array;
    } catch (error) {
      throw atCaller(error, this.array);
    }
  }

  async stage<T extends TypedArray>(
    type: TypedArrayConstructor<T>,
    length: number,
    { gpu }: PlaceOptions = {},
  ): Promise<Staged<T>> {
    try {
      this.#runs.checkOpen();
      const member = this.#named(gpu);
      const staged = await this.#own(member.backend.stage(type, length));
      this.#places.set(staged, member);
      return staged;
    } catch (error) {
      throw atCaller(error, this.stage);
    }
  }

  async record<P extends Parameters>(
    parameters: P,
    build: (run: RecordRun, references: References<P>) => void,
    options: MultiGpuRecordOptions = {},
  ): Promise<Sequence<P>> {
    this.#runs.checkOpen();
    const { gpu, ...others } = options;
    const { label = "sequence" } = others;
    const subject = `Sequence "${label}"`;
    const own = takeBindings(subject, parameters);
    // `build` is called once, and what it binds tells the GPU.
    const runs = recordRuns(label, own, build);
    const place = this.#placeOf(
      subject,
      runs.map(({ bindings }) => bindings),
    );
    const member = place ?? (gpu === undefined ? leastLoaded(this.#members) : this.#named(gpu));
    if (place && gpu !== undefined && this.#named(gpu) !== place) {
      throw new ComputeError(
        "invalid-option",
        `${subject} is to be recorded on ${show(this.#named(gpu))}, and binds an array of ${show(place)}.`,
      );
    }
    try {
      const again = (run: RecordRun, references: References<P>) => {
        for (const { kernel, bindings, references: bound, size } of runs) {
          const byName = Object.entries(bound).map(([name, reference]) => [name, references[reference.name]]);
          run(kernel, { ...bindings, ...Object.fromEntries(byName) }, size);
        }
      };
      const sequence = placed(await this.#own(member.backend.record(own, again, others)), member);
      this.#places.set(sequence, member);
      return sequence;
    } catch (error) {
      throw atCaller(error, this.record);
    }
  }

  on<E extends keyof MultiGpuEvents>(event: E, listener: (event: MultiGpuEvents[E]) => void): () => void {
    const removals = this.#members.map(({ gpu, backend }) =>
      backend.on(event, (reported) => listener({ ...reported, gpu } as unknown as MultiGpuEvents[E])),
    );
    return () => {
      for (const remove of removals) remove();
    };
  }

  stats(): MultiGpuStats {
    const each: BackendStats[] = this.#members.map(({ backend }) => backend.stats());
    return {
      ...sumOfStats(each, this.#runs.stats()),
      gpus: each.map((stats, i) => ({ ...stats, gpu: this.gpus[i]! })),
    };
  }

  dispose(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // The backends end before the runs have: a run may be waiting for memory that a caller holds.
    const closed = this.#runs.close();
    await Promise.all(this.#members.map(({ backend }) => backend.dispose()));
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Calls the backend of a GPU as the caller did. Its caller leaves it by `left`, if at all. */
function runOn({ backend }: Member, run: TakenRun, left: AbortSignal | undefined): Promise<object> {
  const { kernel, bindings, size, options } = run;
  const { profile } = options;
  const given: RunOptions = { ...size, ...(profile !== undefined && { profile }), ...(left && { signal: left }) };
  return backend.run(kernel, bindings, given) as Promise<object>;
}

/** A signal that aborts when the caller leaves; absent if the caller cannot leave. */
function signalOf(caller: Caller): AbortSignal | undefined {
  if (!caller.mayLeave) return undefined;
  const leaving = new AbortController();
  caller.onLeave((reason) => leaving.abort(reason));
  return leaving.signal;
}

/** Replays count towards the load of the sequence's GPU. */
function placed<P extends Parameters>(sequence: Sequence<P>, member: Member): Sequence<P> {
  const { label, dispatches } = sequence;
  return {
    label,
    dispatches,
    async replay<const O extends ReplayOptions = ReplayOptions>(values?: ReplayValues<P>, options?: O) {
      try {
        return await member.load(() => sequence.replay(values, options));
      } catch (error) {
        throw atCaller(error, this.replay);
      }
    },
    dispose: () => sequence.dispose(),
    [Symbol.dispose]: () => sequence.dispose(),
  };
}

function show({ gpu }: Member): string {
  return `GPU ${gpu.index} ("${gpu.name}"${gpu.uuid === undefined ? "" : `, UUID ${gpu.uuid}`})`;
}

function onTwoGpus(subject: string, first: string, a: Member, second: string, b: Member): ComputeError {
  return new ComputeError(
    "invalid-binding",
    `${subject} binds memory of two GPUs: "${first}" is on ${show(a)}, and "${second}" is on ${show(b)}. Make them on ` +
      'one, with the option "gpu".',
  );
}
