import type {
  Accepted,
  Bindings,
  NoOthers,
  ResidentArray,
  Staged,
  TypedArray,
  TypedArrayConstructor,
} from "../bindings/bindings.js";
import { optionNames } from "../bindings/check-options.js";
import type { ComputeError } from "../errors/compute-error.js";
import type { BoundBy, Constants, Kernel } from "../kernel/kernel.js";
import type { PrepareOptions, RunOptions, RunResults } from "./run-options.js";
import type { Parameters, RecordOptions, RecordRun, References, Sequence } from "./sequence.js";

/** The limits of WebGPU that decide whether a run fits, by WebGPU's own names. */
export interface DeviceLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxUniformBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxUniformBuffersPerShaderStage: number;
  readonly maxBindGroups: number;
  readonly maxBindingsPerBindGroup: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxComputeWorkgroupSizeY: number;
  readonly maxComputeWorkgroupSizeZ: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly minStorageBufferOffsetAlignment: number;
  readonly minUniformBufferOffsetAlignment: number;
  /** Bytes that can be set while a dispatch is recorded; 0 if the device has no `var<immediate>`. */
  readonly maxImmediateSize: number;
}

/** A product of matrices that the threads of a subgroup compute together: M×K times K×N. */
export interface SubgroupMatrix {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

export interface DeviceInfo {
  /** The adapter's name, as the driver reports it. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Whether the CPU does the work: correct results, but not at a GPU's speed. */
  readonly isSoftware: boolean;
  readonly limits: DeviceLimits;
  readonly features: readonly string[];
  /** The fewest threads of a subgroup; 0 if the device has no subgroups. */
  readonly subgroupMinSize: number;
  /** The most threads of a subgroup; 0 if the device has no subgroups. */
  readonly subgroupMaxSize: number;
  /** The products of matrices that subgroups compute; none without the experiment `subgroup-matrix`. */
  readonly subgroupMatrices: readonly SubgroupMatrix[];
}

export interface ResourceCounters {
  /** How many were created. */
  readonly made: number;
  /** How often an existing one was used again. */
  readonly reused: number;
  /** How many exist now, in use or kept for later. */
  readonly live: number;
}

export interface CacheCounters extends ResourceCounters {
  readonly evicted: number;
}

export interface PipelineCounters extends CacheCounters {
  /** How many of those made were compiled for a manifest, before a run needed them. */
  readonly warmed: number;
}

export interface DeviceCounters extends ResourceCounters {
  /** How many were lost, including those abandoned. */
  readonly lost: number;
  /**
   * How many are abandoned now. A kernel still runs on such a device, and destroying it would block until that kernel
   * ends; the device is destroyed then.
   */
  readonly abandoned: number;
}

export interface MemoryCounters extends ResourceCounters {
  /** The bytes of all that exist now. */
  readonly bytes: number;
  /** The most bytes there ever were. */
  readonly highWaterBytes: number;
  /** The part of `bytes` that is in use, by submissions and by what callers hold. The rest is kept for later. */
  readonly inUseBytes: number;
  /** How many submissions, arrays and pieces of staged memory wait until others give memory back. */
  readonly waiting: number;
}

export interface StoreCounters {
  readonly hits: number;
  readonly misses: number;
  /** Entries that the store refused or that were damaged; they only cost time. */
  readonly failures: number;
  /** How many of `hits` were programs, which then needed no translation and no reflection. */
  readonly programs: number;
}

/** Counts since the backend was opened, and the state at the time of the call. */
export interface BackendStats {
  readonly runs: {
    readonly started: number;
    readonly completed: number;
    readonly failed: number;
    /** Not settled yet. */
    readonly pending: number;
    /** How often a run was started again because its device was lost. */
    readonly retried: number;
  };
  /** Queue submissions; fewer than runs if runs shared one. */
  readonly submissions: number;
  readonly queue: {
    /** Runs, and reads, writes and copies of resident arrays, that are ready and wait for a submission. */
    readonly waiting: number;
    /**
     * Submissions that have begun and not ended; waiting for memory counts. Further runs wait once there are
     * `maxSubmissions`.
     */
    readonly inFlight: number;
  };
  readonly devices: DeviceCounters;
  readonly pipelines: PipelineCounters;
  readonly bindGroups: CacheCounters;
  readonly buffers: MemoryCounters;
  /** The store; zeros for a backend without one. */
  readonly store: StoreCounters;
}

/** What a backend offers besides `ComputeBackend` if it keeps memory between runs. */
export interface StagesMemory {
  /**
   * Resolves with input memory of `length` elements that is already mapped. Filled in place and bound, it is never
   * copied on the host; from about 64 KiB up, that copy is most of a run's time. It counts towards the backend's byte
   * budget until the device has read it for its run, or it is released.
   * @throws {ComputeError} `invalid-option` if `length` is not a length; `limit-exceeded`; `out-of-memory`;
   *   `device-lost`; `disposed`.
   */
  stage<T extends TypedArray>(type: TypedArrayConstructor<T>, length: number): Promise<Staged<T>>;
}

export interface ArrayOptions {
  /** Its name in errors and events; by default its type and length. */
  readonly label?: string;
}

export interface FilledArrayOptions extends ArrayOptions {
  /**
   * Keeps a copy of the elements on the host, which is uploaded again when the device is lost. Only `write` updates the
   * copy: once a run or `copyFrom` has written the array, it is lost with its device.
   */
  readonly recoverable?: boolean;
}

export const arrayOptionNames = /* @__PURE__ */ optionNames<ArrayOptions>({ label: true });

export const filledArrayOptionNames = /* @__PURE__ */ optionNames<FilledArrayOptions>({
  label: true,
  recoverable: true,
});

/** What a backend offers besides `ComputeBackend` if it keeps arrays on the GPU. */
export interface KeepsArrays {
  /**
   * Resolves with an array on the GPU that has the elements of `data`, which is borrowed until then. The array is lost
   * with its device, unless it is `recoverable`.
   * @throws {ComputeError} `invalid-option` if `data` is empty; `limit-exceeded`; `out-of-memory`; `device-lost`;
   *   `disposed`.
   */
  array<T extends TypedArray>(data: T, options?: FilledArrayOptions): Promise<ResidentArray<T>>;
  /**
   * Resolves with an array of `length` zeros on the GPU.
   * @throws {ComputeError} As above, and `invalid-option` if `length` is not a length.
   */
  array<T extends TypedArray>(
    type: TypedArrayConstructor<T>,
    length: number,
    options?: ArrayOptions,
  ): Promise<ResidentArray<T>>;
}

export interface AdoptOptions extends ArrayOptions {
  /**
   * Elements, from the beginning of the buffer.
   * @default All that the buffer has room for.
   */
  readonly length?: number;
}

export const adoptOptionNames = /* @__PURE__ */ optionNames<AdoptOptions>({ label: true, length: true });

/** What a backend offers besides `ComputeBackend` if its arrays can be buffers of other libraries on its device. */
export interface AdoptsBuffers {
  /**
   * Resolves with an array in a buffer that another library created on this backend's device, which is most often the
   * caller's own (the option `device`). Nothing is copied, and the buffer does not count towards the byte budget. It is
   * never destroyed here: `dispose` only ends the adoption. Dispose the array before you destroy the buffer, and wait
   * for the runs that use it. Kiln orders its own uses of the array, and those in `array.use`; commands that others
   * submit at other times are ordered by the device's queue alone.
   * @param buffer It needs the usage `STORAGE`. It also needs `COPY_SRC` to be read or copied from, `COPY_DST` to be
   *   written or copied into, and `UNIFORM` to be bound to a `var<uniform>`.
   * @throws {ComputeError} `invalid-option` if the buffer lacks `STORAGE`, is mapped, destroyed or of another device,
   *   has no room for the array, or is an array of this backend already; `device-lost`; `disposed`.
   */
  adopt<T extends TypedArray>(
    buffer: GPUBuffer,
    type: TypedArrayConstructor<T>,
    options?: AdoptOptions,
  ): Promise<ResidentArray<T>>;
}

/** The device is lost. */
export interface DeviceLost {
  readonly reason: ComputeError;
  /** What callers held that was lost with it: resident arrays, sequences, staged memory, leases. */
  readonly lost: readonly string[];
  /** Whether another device will be opened. */
  readonly isRecovering: boolean;
}

/** Another device has taken the place of a lost one. */
export interface DeviceRecovered {
  readonly device: DeviceInfo;
  /** The resident arrays that were uploaded again. */
  readonly restored: readonly string[];
  /** The kernels that had been prepared, and now are again. */
  readonly prepared: readonly string[];
}

export interface DeviceEvents {
  readonly lost: DeviceLost;
  readonly recovered: DeviceRecovered;
}

/** What a backend offers besides `ComputeBackend` if it opens another device in place of a lost one. */
export interface RecoversDevice {
  /**
   * Calls `listener` at each `event` from now on, until the backend is disposed.
   * @returns A function that removes `listener`.
   */
  on<E extends keyof DeviceEvents>(event: E, listener: (event: DeviceEvents[E]) => void): () => void;
}

/** What a backend offers besides `ComputeBackend` if it can record a chain of runs and replay it. */
export interface RecordsSequences {
  /**
   * Records a chain of runs. Everything about them is checked, compiled, placed and bound now, so that a replay only
   * brings its parameters and encodes.
   * @param parameters What replays may change, with its first value; what they return; and memory that the runs share.
   * @param build Asks for the runs, in order, and binds parameters through `references`. It is called once, and so are
   *   the kernels' functions. It asks for all runs before it returns, so it cannot be `async`.
   * @example
   * const sequence = await gpu.record({ dt: 0.01, positions: output(Float32Array, n) }, (run, { dt, positions }) => {
   *   for (let i = 0; i < 100; i += 1) run(step, { state, dt });
   *   run(copy, { from: state, to: positions });
   * });
   * const { positions } = await sequence.replay({ dt: 0.02 });
   * @throws {ComputeError} What `run` throws for any of the runs; `invalid-option` if there are no runs, no run binds a
   *   parameter, or `build` returns a promise.
   */
  record<P extends Parameters>(
    parameters: P,
    build: (run: RecordRun, references: References<P>) => void,
    options?: RecordOptions,
  ): Promise<Sequence<P>>;
}

/** How fast a kernel ran with one combination of its tunable constants. */
export interface TunedCandidate {
  readonly constants: Constants;
  /**
   * The time of one run of the kernel on the device, in nanoseconds: the median of the samples, and the median of their
   * distances from it.
   */
  readonly medianNs: number;
  readonly deviationNs: number;
}

export interface TuningReport {
  readonly kernel: string;
  /** Elements of the largest binding; sizes up to the next power of two share the choice. */
  readonly elements: number;
  /** The fastest first, without those that the device cannot run. */
  readonly candidates: readonly TunedCandidate[];
  /** The constants that run from now on. */
  readonly chosen: Constants;
  /**
   * Whether `chosen` is faster than the kernel's first values by more than the noise; if nothing is, the first values
   * are chosen.
   */
  readonly isQuicker: boolean;
  /** The device's own clock, or the host's if the device has no timestamps. */
  readonly clock: "device" | "host";
}

/** What a backend offers besides `ComputeBackend` if it can measure which constants make a kernel fastest. */
export interface TunesKernels {
  /**
   * Measures the combinations of the kernel's tunable constants on this device, with bindings of this size, and keeps
   * the fastest for later runs of this size; also for other processes, if the backend has a store. It takes some
   * hundreds of milliseconds; other runs are served meanwhile.
   * @throws {ComputeError} `invalid-kernel` if the kernel has no tunable constants; what `run` throws.
   */
  tune<K extends Bindings, B extends Accepted<K, B> & NoOthers<K, B>>(
    kernel: Kernel<K>,
    bindings: B,
    options?: PrepareOptions,
  ): Promise<TuningReport>;
}

/**
 * Runs kernels. Every backend keeps the same promises:
 * - Runs are independent: none sees another's memory, and they may finish in any order. Only resident arrays are
 *   shared, in the order of the calls.
 * - Bytes of an output that the kernel does not write are zero.
 * - Typed arrays given as inputs are borrowed until the run settles: do not write to them before.
 * - A mistake in a run rejects that run alone, with a `ComputeError`.
 */
export interface ComputeBackend extends AsyncDisposable {
  /** `one-shot` or `persistent`. */
  readonly name: string;
  readonly device: DeviceInfo;

  /**
   * Compiles `kernel` ahead of its first run; a backend that keeps nothing only checks that it compiles.
   * @throws {ComputeError} `shader-compilation`, `unsupported-shader`, `invalid-kernel`; `limit-exceeded` if a program
   *   needs more than the device allows, with the limit's name; `device-lost` and `disposed`
   *   at any time.
   */
  prepare(kernel: Kernel, options?: PrepareOptions): Promise<void>;

  /**
   * Runs `kernel` once and resolves with its results.
   * @param bindings One for each of the shader's bindings, by its name there (`group/binding` where SPIR-V has no
   *   names).
   * @returns One typed array per `output` and `inout`, of the length asked for.
   * @throws {ComputeError} `invalid-binding`, `invalid-kernel` and `limit-exceeded` before any GPU work; what `prepare`
   *   throws; `out-of-memory`; `aborted` and `timeout` as `options` ask; `invalid-option` for bad options;
   *   `device-lost` and `disposed` at any time.
   */
  run<K extends Kernel, B extends BoundBy<K, B>, const O extends RunOptions<B> = RunOptions<B>>(
    kernel: K,
    bindings: B,
    options?: O,
  ): Promise<RunResults<B, O>>;

  stats(): BackendStats;

  /**
   * Ends leases, staged memory and resident arrays at once, waits for the runs in flight, then frees everything. Later
   * runs reject with `disposed`, and so do earlier calls that would resolve with something that has ended, or that wait
   * for another device. A second call waits with the first.
   */
  dispose(): Promise<void>;
}
