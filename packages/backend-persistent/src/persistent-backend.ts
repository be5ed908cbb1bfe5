import {
  type Accepted,
  type AdoptOptions,
  type AdoptsBuffers,
  type BackendStats,
  type Bindings,
  type ComputeBackend,
  ComputeError,
  type DeviceEvents,
  type DeviceInfo,
  type FilledArrayOptions,
  type KeepsArrays,
  type Kernel,
  type Manifest,
  type Parameters,
  type PrepareOptions,
  type RecordOptions,
  type RecordRun,
  type RecordsSequences,
  type RecoversDevice,
  type References,
  type ResidentArray,
  type RunOptions,
  type RunResults,
  type Sequence,
  type Staged,
  type StagesMemory,
  type TunesKernels,
  type TuningReport,
  type TypedArray,
  type TypedArrayConstructor,
  type WarmsUp,
  type WarmUpReport,
} from "@kiln-gpu/core";
import {
  adoptOptionNames,
  arrayOptionNames,
  arrayTypeOf,
  atCaller,
  type Caller,
  checkArrayType,
  checkAttached,
  checkKernel,
  checkOptionNames,
  describeValue,
  filledArrayOptionNames,
  type OwnFunction,
  type RunLedger,
  recordOptionNames,
  recordRuns,
  type TakenRun,
  takeBindings,
  takeRun,
} from "@kiln-gpu/core/backend";
import type { Store } from "@kiln-gpu/store";
import type { DeviceKeeper } from "./device/device-keeper.js";
import type { DeviceSession } from "./device/device-session.js";
import { reportWhenDropped } from "./device/dropped-backend.js";
import { checkedLength } from "./memory/adopted-buffer.js";
import type { Leak } from "./memory/holders.js";
import { type ArrayOwner, ResidentMemory } from "./memory/resident-memory.js";
import { StagedMemory } from "./memory/staged-memory.js";
import { manifestVersion, programsOf, type WarmProgram } from "./programs/manifest.js";
import type { ProgramHistory } from "./programs/program-history.js";
import type { ReflectionStore } from "./programs/reflection-store.js";
import type { StoredManifest } from "./programs/stored-manifest.js";
import { KernelRun } from "./runs/kernel-run.js";
import { type Recording, recordSequence } from "./runs/record-sequence.js";
import { repeatAfterLoss } from "./runs/repeat-after-loss.js";
import { tuneKernel } from "./runs/tune-kernel.js";
import { claimArrays, unclaimArrays } from "./submission/array-access.js";

/** The parts of a backend. */
export interface PersistentBackendParts {
  readonly runs: RunLedger;
  readonly store: Store;
  readonly reflections: ReflectionStore;
  readonly history: ProgramHistory;
  readonly manifest: StoredManifest | undefined;
  readonly keeper: DeviceKeeper;
  /** How often work that was lost with its device is done again on another. */
  readonly lossRetries: number;
  /** Called if the backend is dropped without being disposed. */
  readonly onLeak: ((leak: Leak) => void) | undefined;
}

/** Creates everything once, keeps it, and serves runs from what it keeps. */
export class PersistentBackend
  implements
    ComputeBackend,
    StagesMemory,
    KeepsArrays,
    AdoptsBuffers,
    RecordsSequences,
    TunesKernels,
    RecoversDevice,
    WarmsUp,
    ArrayOwner
{
  readonly name = "persistent";
  readonly #runs: RunLedger;
  readonly #parts: PersistentBackendParts;
  readonly #keeper: DeviceKeeper;
  readonly #onDispose: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: PersistentBackendParts) {
    const { runs, keeper, onLeak } = parts;
    this.#parts = parts;
    this.#runs = runs;
    this.#keeper = keeper;
    this.#onDispose = onLeak && reportWhenDropped(this, keeper, onLeak);
  }

  get device(): DeviceInfo {
    return this.#keeper.info;
  }

  async prepare(kernel: Kernel, options: PrepareOptions = {}): Promise<void> {
    try {
      checkKernel(kernel);
      await this.#task(`The preparation of kernel "${kernel.label}"`, options, (session) => session.prepare(kernel));
    } catch (error) {
      throw atCaller(error, this.prepare);
    }
    this.#keeper.remember(kernel);
  }

  run<B, const O extends RunOptions<B> = RunOptions<B>>(
    kernel: Kernel,
    bindings: B,
    options?: RunOptions<B>,
  ): Promise<RunResults<B, O>> {
    let run: TakenRun;
    try {
      run = takeRun(kernel, bindings, options as RunOptions);
    } catch (error) {
      return Promise.reject(atCaller(error, this.run));
    }
    const work = (caller: Caller) =>
      repeatAfterLoss(this.#keeper, caller, new KernelRun(this, run, caller, this.#parts));
    return this.#runs.start(kernel.label, run.options, work, undefined, this.run) as Promise<RunResults<B, O>>;
  }

  /** Does `work` that is not a run, and does it again if its device is lost: all that it needs is on the host. */
  #task<T>(
    subject: string,
    options: PrepareOptions,
    work: (session: DeviceSession, caller: Caller) => Promise<T>,
    method?: OwnFunction,
  ): Promise<T> {
    const repeated = (caller: Caller) => {
      let retries = 0;
      const attempt = (session: DeviceSession) => work(session, caller);
      const beginAgain = () => (retries += 1) <= this.#parts.lossRetries;
      return repeatAfterLoss(this.#keeper, caller, { attempt, beginAgain });
    };
    return this.#runs.startTask(subject, options, repeated, method);
  }

  stage<T extends TypedArray>(type: TypedArrayConstructor<T>, length: number): Promise<Staged<T>> {
    const work = (session: DeviceSession) => {
      checkArrayType("Staged memory", type);
      checkLength("Staged memory", length);
      return StagedMemory.make(session, type, length, this);
    };
    return this.#task(`The staging of ${length} elements`, {}, work, this.stage);
  }

  array<T extends TypedArray>(data: T, options?: FilledArrayOptions): Promise<ResidentArray<T>>;
  array<T extends TypedArray>(
    type: TypedArrayConstructor<T>,
    length: number,
    options?: FilledArrayOptions,
  ): Promise<ResidentArray<T>>;
  async array<T extends TypedArray>(
    given: T | TypedArrayConstructor<T>,
    second?: number | FilledArrayOptions,
    third?: FilledArrayOptions,
  ): Promise<ResidentArray<T>> {
    try {
      return await this.#makeArray(given, second, third);
    } catch (error) {
      throw atCaller(error, this.array);
    }
  }

  #makeArray<T extends TypedArray>(
    given: T | TypedArrayConstructor<T>,
    second?: number | FilledArrayOptions,
    third?: FilledArrayOptions,
  ): Promise<ResidentArray<T>> {
    const data = ArrayBuffer.isView(given) ? (given as T) : undefined;
    const type = (data ? arrayTypeOf(data) : given) as TypedArrayConstructor<T>;
    const length = data ? data.length : (second as number);
    const options = (data ? (second as FilledArrayOptions) : third) ?? {};
    checkOptionNames("gpu.array", options, data ? filledArrayOptionNames : arrayOptionNames);
    const { label, recoverable = false } = options;
    checkArrayType("A resident array", type);
    if (data) checkAttached(`gpu.array(data)`, "data", data);
    checkLength(`A resident ${type.name}`, length);
    return this.#task(`The making of a resident ${type.name} of ${length}`, {}, (session) => {
      const parts = { type, length, label, isRecoverable: recoverable, owner: this };
      return ResidentMemory.make(session.arrays, parts, data);
    });
  }

  adopt<T extends TypedArray>(
    buffer: GPUBuffer,
    type: TypedArrayConstructor<T>,
    options: AdoptOptions = {},
  ): Promise<ResidentArray<T>> {
    try {
      checkOptionNames("gpu.adopt", options, adoptOptionNames);
    } catch (error) {
      return Promise.reject(atCaller(error, this.adopt));
    }
    const { label, length: asked } = options;
    const work = async (session: DeviceSession) => {
      checkArrayType("An adopted array", type);
      const length = checkedLength(buffer, type, asked);
      return ResidentMemory.adopt(session.arrays, { type, length, label, owner: this }, buffer);
    };
    return this.#task("The adoption of a buffer", {}, work, this.adopt);
  }

  /** Resolves when there is a device to work on; returns `undefined` if there is one now. */
  whenReady(): Promise<unknown> | undefined {
    return this.#keeper.current ? undefined : this.#keeper.next();
  }

  record<P extends Parameters>(
    parameters: P,
    build: (run: RecordRun, references: References<P>) => void,
    options: RecordOptions = {},
  ): Promise<Sequence<P>> {
    let recording: Recording<P>;
    try {
      checkOptionNames("gpu.record", options, recordOptionNames);
      const { label = "sequence" } = options;
      const own = takeBindings(`Sequence "${label}"`, parameters);
      recording = { label, parameters: own, runs: recordRuns(label, own, build) };
    } catch (error) {
      // Errors of `build` begin at its frames already.
      return Promise.reject(error);
    }
    const subject = `The recording of sequence "${recording.label}"`;
    const ends: PrepareOptions = options.signal === undefined ? {} : { signal: options.signal };
    const work = async (session: DeviceSession, caller: Caller) => {
      const sequence = await recordSequence(session, this, recording);
      // The caller has left, so the sequence would never be disposed.
      if (caller.left) sequence.dispose();
      return sequence;
    };
    return this.#task(subject, ends, work, this.record);
  }

  tune<K extends Bindings, B extends Accepted<K, B>>(
    kernel: Kernel<K>,
    bindings: B,
    options: PrepareOptions = {},
  ): Promise<TuningReport> {
    let run: TakenRun;
    let arrays: readonly ResidentMemory[] | undefined;
    try {
      run = takeRun(kernel as unknown as Kernel, bindings);
      arrays = claimArrays(this, `Kernel "${kernel.label}"`, run.bindings);
    } catch (error) {
      return Promise.reject(atCaller(error, this.tune));
    }
    const subject = `The tuning of kernel "${kernel.label}"`;
    const work = (session: DeviceSession) => tuneKernel(this, session, run.kernel, run.bindings);
    const tuning = this.#task(subject, options, work, this.tune);
    return tuning.finally(() => arrays && unclaimArrays(arrays));
  }

  on<E extends keyof DeviceEvents>(event: E, listener: (event: DeviceEvents[E]) => void): () => void {
    return this.#keeper.listeners.on(event, listener);
  }

  manifest(): Manifest {
    return { version: manifestVersion, programs: [...this.#parts.history.used.values()] };
  }

  async warmUp(manifest: Manifest): Promise<WarmUpReport> {
    this.#runs.checkOpen();
    const programs = programsOf(manifest);
    if (!programs) return { compiled: 0, failed: 0, isForeign: true };
    return { ...(await this.warm(programs)), isForeign: false };
  }

  /** Compiles `programs` on this device, and again on each later one. */
  warm(programs: readonly WarmProgram[]): Promise<{ readonly compiled: number; readonly failed: number }> {
    this.#keeper.rememberToWarm(programs);
    return this.#task(`The warm-up of ${programs.length} programs`, {}, async (session) => {
      const report = await session.programs.warmUp(programs);
      if (session.open.loss) throw session.open.loss;
      this.#runs.checkOpen();
      return report;
    });
  }

  stats(): BackendStats {
    const { store, reflections } = this.#parts;
    const { hits, misses, failures } = store.stats();
    const counted = { hits, misses, failures, programs: reflections.found };
    return { runs: this.#runs.stats(), store: counted, ...this.#keeper.stats() };
  }

  dispose(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#onDispose?.();
    // The keeper ends before the runs have: a run may be waiting for memory that a caller holds.
    const closed = this.#runs.close();
    this.#keeper.end();
    await closed;
    const { manifest, reflections } = this.#parts;
    await Promise.all([this.#keeper.close(), manifest?.close(), reflections.written()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function checkLength(subject: string, length: number): void {
  if (Number.isSafeInteger(length) && length >= 1) return;
  throw new ComputeError(
    "invalid-option",
    `${subject}: "length" must be a whole number of elements, 1 or more; got ${describeValue(length)}.`,
  );
}
