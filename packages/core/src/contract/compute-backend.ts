import type {
  Accepted,
  Bindings,
  NoOthers,
  ResidentArray,
  Staged,
  TypedArray,
  TypedArrayConstructor,
} from "../bindings/bindings.js";
import type { ComputeError } from "../errors/compute-error.js";
import type { BoundBy, Constants, Kernel } from "../kernel/kernel.js";
import type { PrepareOptions, RunOptions, RunResults } from "./run-options.js";
import type { Parameters, RecordOptions, RecordRun, References, Sequence } from "./sequence.js";

/** The limits of WebGPU that decide whether a run fits, under WebGPU's own names. */
export interface DeviceLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxUniformBufferBindingSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxComputeWorkgroupSizeY: number;
  readonly maxComputeWorkgroupSizeZ: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly minStorageBufferOffsetAlignment: number;
  readonly minUniformBufferOffsetAlignment: number;
  /** Bytes that are set while a dispatch is recorded; 0 where the device has no `var<immediate>`. */
  readonly maxImmediateSize: number;
}

export interface DeviceInfo {
  /** The adapter's name as the driver gives it. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Whether the CPU does the work: right results, no GPU speed. */
  readonly isSoftware: boolean;
  readonly limits: DeviceLimits;
  readonly features: readonly string[];
}

export interface ResourceCounters {
  /** How many were created. */
  readonly made: number;
  /** How often an existing one served. */
  readonly reused: number;
  /** How many exist now, in use or kept. */
  readonly live: number;
}

export interface CacheCounters extends ResourceCounters {
  readonly evicted: number;
}

export interface PipelineCounters extends CacheCounters {
  /** Of those made, the ones that a manifest named before a run did. */
  readonly warmed: number;
}

export interface DeviceCounters extends ResourceCounters {
  /** How many were lost, those set aside included. */
  readonly lost: number;
  /** How many are set aside now: a kernel has not ended on them, and to destroy them would block for as long. One on which it has is destroyed. */
  readonly abandoned: number;
}

export interface MemoryCounters extends ResourceCounters {
  /** Bytes of all that exist now. */
  readonly bytes: number;
  /** The most bytes there ever were. */
  readonly highWaterBytes: number;
  /** Of `bytes`, those in use: by submissions, and by what callers hold. The others are kept for later. */
  readonly inUseBytes: number;
  /** Submissions, arrays and staged memory that wait for room: for others to give theirs back. */
  readonly waiting: number;
}

export interface StoreCounters {
  readonly hits: number;
  readonly misses: number;
  /** What the disk refused or had damaged; it costs time alone. */
  readonly failures: number;
  /** Of `hits`, the programs that needed no translation and no reflection here. */
  readonly programs: number;
}

/** Counters since the backend was opened, and what there is at the time of asking. */
export interface BackendStats {
  readonly runs: {
    readonly started: number;
    readonly completed: number;
    readonly failed: number;
    /** Not settled yet. */
    readonly pending: number;
    /** How often a run was begun again, since its device was lost. */
    readonly retried: number;
  };
  /** Queue submissions; fewer than runs where runs shared one. */
  readonly submissions: number;
  readonly queue: {
    /** Runs, and reads, writes and copies of resident arrays, that are ready and wait for a submission. */
    readonly waiting: number;
    /** Submissions that have begun, with the wait for their memory, and not ended; more runs wait once there are `maxSubmissions`. */
    readonly inFlight: number;
  };
  readonly devices: DeviceCounters;
  readonly pipelines: PipelineCounters;
  readonly bindGroups: CacheCounters;
  readonly buffers: MemoryCounters;
  /** The store on disk; 0 of a backend that has none. */
  readonly store: StoreCounters;
}

/** What a backend offers beside `ComputeBackend` when it keeps memory between runs. */
export interface StagesMemory {
  /**
   * Input memory of `length` elements that is mapped already: filled in place and bound, it is never copied on the host, which from
   * some 64 KiB up is most of a run's time. It counts to the backend's byte budget until the device has read it
   * for its run, or it is released.
   * @throws {ComputeError} `invalid-option` for a length that is none; `limit-exceeded`; `out-of-memory`; `device-lost`; `disposed`.
   */
  stage<T extends TypedArray>(type: TypedArrayConstructor<T>, length: number): Promise<Staged<T>>;
}

export interface ArrayOptions {
  /** What errors and events call it; by default its type and length. */
  readonly label?: string;
}

export interface FilledArrayOptions extends ArrayOptions {
  /**
   * Keeps a copy of its elements on the host, from which it is uploaded again when its device is lost. Only the host's `write`s go into the copy:
   * once a run or `copyFrom` has written the array, a loss of the device is its loss.
   */
  readonly recoverable?: boolean;
}

/** What a backend offers beside `ComputeBackend` when it keeps arrays on the GPU. */
export interface KeepsArrays {
  /**
   * An array on the GPU with the elements of `data`, which is borrowed until this resolves. It is lost with its device, unless it is `recoverable`.
   * @throws {ComputeError} `invalid-option` for an empty array; `limit-exceeded`; `out-of-memory`; `device-lost`; `disposed`.
   */
  array<T extends TypedArray>(data: T, options?: FilledArrayOptions): Promise<ResidentArray<T>>;
  /**
   * An array of `length` zeros on the GPU.
   * @throws {ComputeError} As above, and `invalid-option` for a length that is none.
   */
  array<T extends TypedArray>(
    type: TypedArrayConstructor<T>,
    length: number,
    options?: ArrayOptions,
  ): Promise<ResidentArray<T>>;
}

/** The device is lost. */
export interface DeviceLost {
  readonly reason: ComputeError;
  /** What callers hold that was lost with it: resident arrays, sequences, staged memory, leases. */
  readonly lost: readonly string[];
  /** Whether another device is going to be opened. */
  readonly isRecovering: boolean;
}

/** Another device has taken the place of a lost one. */
export interface DeviceRecovered {
  readonly device: DeviceInfo;
  /** The resident arrays that were uploaded again. */
  readonly restored: readonly string[];
  /** The kernels that had been prepared, and are again. */
  readonly prepared: readonly string[];
}

export interface DeviceEvents {
  readonly lost: DeviceLost;
  readonly recovered: DeviceRecovered;
}

/** What a backend offers beside `ComputeBackend` when it opens another device in place of a lost one. */
export interface RecoversDevice {
  /**
   * Calls `listener` at each `event` from now on, until the backend is disposed.
   * @returns A function that forgets it.
   */
  on<E extends keyof DeviceEvents>(event: E, listener: (event: DeviceEvents[E]) => void): () => void;
}

/** What a backend offers beside `ComputeBackend` when it can record a chain of runs and replay it. */
export interface RecordsSequences {
  /**
   * Records a chain of runs: everything about them is checked, compiled, placed and bound here, so that a replay only brings its
   * parameters and encodes.
   * @param parameters What replays may change, with what it is at first; what they return; and memory between the runs.
   * @param build Asks for the runs, in order, and is called once, as are the kernels' own functions. It asks for all of them before it returns, so it is not
   *   `async`, and binds parameters through `references`.
   * @example
   * const sequence = await gpu.record({ dt: 0.01, positions: output(Float32Array, n) }, (run, { dt, positions }) => {
   *   for (let i = 0; i < 100; i += 1) run(step, { state, dt });
   *   run(copy, { from: state, to: positions });
   * });
   * const { positions } = await sequence.replay({ dt: 0.02 });
   * @throws {ComputeError} What `run` throws of any of them; `invalid-option` for no run, a parameter that none binds, or a `build` that returns a
   *   promise.
   */
  record<P extends Parameters>(
    parameters: P,
    build: (run: RecordRun, references: References<P>) => void,
    options?: RecordOptions,
  ): Promise<Sequence<P>>;
}

/** How one combination of a kernel's tunable constants did. */
export interface TunedCandidate {
  readonly constants: Constants;
  /** Of one run of the kernel on the device, in nanoseconds: the median of the samples, and the median of their distances from it. */
  readonly medianNs: number;
  readonly deviationNs: number;
}

export interface TuningReport {
  readonly kernel: string;
  /** Elements of the largest binding; sizes up to the next power of two share the choice. */
  readonly elements: number;
  /** The quickest first; those that the device cannot run are left out. */
  readonly candidates: readonly TunedCandidate[];
  /** What runs from now on. */
  readonly chosen: Constants;
  /** Whether it is quicker than the kernel's first choice by more than the noise; where none is, that is chosen. */
  readonly isQuicker: boolean;
  /** The device's own clock, or the host's where the device has no timestamps. */
  readonly clock: "device" | "host";
}

/** What a backend offers beside `ComputeBackend` when it can measure which constants a kernel is quickest with. */
export interface TunesKernels {
  /**
   * Measures the combinations of the kernel's tunable constants on this device, on bindings of this size, and keeps the quickest for
   * later runs of this size, also in other processes where the backend has a store. It takes some hundreds of milliseconds, in which other
   * runs are served.
   * @throws {ComputeError} `invalid-kernel` for a kernel that has nothing tunable; what `run` throws.
   */
  tune<K extends Bindings, B extends Accepted<K> & NoOthers<K, B>>(
    kernel: Kernel<K>,
    bindings: B,
    options?: PrepareOptions,
  ): Promise<TuningReport>;
}

/**
 * Runs kernels. Every backend keeps the same promises:
 * - Runs are independent: none sees another's memory, and they may finish in any order. Only resident arrays are shared, in the order of the calls.
 * - Bytes of an output that the kernel does not write are zero.
 * - Typed arrays given as inputs are borrowed until the run settles: do not write to them before.
 * - What is wrong with a run rejects that run alone, with a `ComputeError`.
 */
export interface ComputeBackend extends AsyncDisposable {
  /** `one-shot` or `persistent`. */
  readonly name: string;
  readonly device: DeviceInfo;

  /**
   * Compiles `kernel` ahead of its first run; a backend that keeps nothing only checks that it compiles.
   * @throws {ComputeError} `shader-compilation`, `unsupported-shader`, `invalid-kernel`; `device-lost` and `disposed` at any time.
   */
  prepare(kernel: Kernel, options?: PrepareOptions): Promise<void>;

  /**
   * Runs `kernel` once and resolves with its results.
   * @param bindings One for each of the shader's bindings, by its name there (`group/binding` where SPIR-V has no names).
   * @returns One typed array per `output` and `inout`, of the length asked for.
   * @throws {ComputeError} `invalid-binding`, `invalid-kernel` and `limit-exceeded` before any GPU work; what `prepare` throws;
   *   `out-of-memory`; `aborted` and `timeout` as `options` ask; `invalid-option` for options that are none; `device-lost` and `disposed` at any time.
   */
  run<K extends Kernel, B extends BoundBy<K, B>, const O extends RunOptions = RunOptions>(
    kernel: K,
    bindings: B,
    options?: O,
  ): Promise<RunResults<B, O>>;

  stats(): BackendStats;

  /**
   * Ends leases, staged memory and resident arrays at once, waits for the runs in flight, then frees everything. Later runs reject with `disposed`; a
   * second call waits with the first.
   */
  dispose(): Promise<void>;
}
