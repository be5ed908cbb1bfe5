import type {
  ArrayOptions,
  BackendStats,
  ComputeBackend,
  DeviceEvents,
  FilledArrayOptions,
  Parameters,
  RecordOptions,
  RecordRun,
  References,
  ResidentArray,
  Sequence,
  Staged,
  TypedArray,
  TypedArrayConstructor,
} from "@kiln-gpu/core";
import type { GpuInfo } from "@kiln-gpu/webgpu";

/** Where memory is made, or a sequence recorded. */
export interface PlaceOptions {
  /**
   * One of the backend's GPUs, by UUID, PCI address or index, as `gpus()` lists it. Memory is made on the first GPU
   * unless this names another. A sequence is recorded on the GPU of the arrays that it binds.
   */
  readonly gpu?: string | number;
}

export type MultiGpuArrayOptions = FilledArrayOptions & PlaceOptions;
export type MultiGpuRecordOptions = RecordOptions & PlaceOptions;

/** Counts of all GPUs together, and of each. */
export interface MultiGpuStats extends BackendStats {
  /**
   * In the order of the backend's `gpus`. A run that went on elsewhere has failed on the first GPU; the sum counts it
   * once, and `runs.retried` of the sum says how often that was.
   */
  readonly gpus: readonly (BackendStats & { readonly gpu: GpuInfo })[];
}

export type MultiGpuEvents = {
  readonly [Event in keyof DeviceEvents]: DeviceEvents[Event] & {
    /** The GPU that the device is of. */
    readonly gpu: GpuInfo;
  };
};

/**
 * Runs kernels on several GPUs.
 *
 * A run that binds resident arrays or staged memory goes to their GPU, and is refused if they are on two. Any other run
 * goes to the GPU with the fewest runs. If its GPU is lost it goes on elsewhere, at most `lossRetries` times.
 *
 * `device` describes what every GPU offers: the smaller of their limits, and the features that all have.
 */
export interface MultiGpuComputeBackend extends ComputeBackend {
  /** The GPUs that it runs on. */
  readonly gpus: readonly GpuInfo[];
  /** The GPU that holds an array, staged memory or a sequence of this backend; `undefined` for anything else. */
  gpuOf(held: ResidentArray | Staged | Sequence): GpuInfo | undefined;
  /** As `KeepsArrays` has it, on one GPU. */
  array<T extends TypedArray>(data: T, options?: MultiGpuArrayOptions): Promise<ResidentArray<T>>;
  array<T extends TypedArray>(
    type: TypedArrayConstructor<T>,
    length: number,
    options?: ArrayOptions & PlaceOptions,
  ): Promise<ResidentArray<T>>;
  /** As `StagesMemory` has it, on one GPU. */
  stage<T extends TypedArray>(
    type: TypedArrayConstructor<T>,
    length: number,
    options?: PlaceOptions,
  ): Promise<Staged<T>>;
  /** As `RecordsSequences` has it, on one GPU. */
  record<P extends Parameters>(
    parameters: P,
    build: (run: RecordRun, references: References<P>) => void,
    options?: MultiGpuRecordOptions,
  ): Promise<Sequence<P>>;
  /** As `RecoversDevice` has it; each event also names the GPU. */
  on<E extends keyof MultiGpuEvents>(event: E, listener: (event: MultiGpuEvents[E]) => void): () => void;
  stats(): MultiGpuStats;
}
