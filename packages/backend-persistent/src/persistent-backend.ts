import {
  type Accepted,
  arrayTypeOf,
  type BackendStats,
  type Bindings,
  type Caller,
  type ComputeBackend,
  ComputeError,
  checkKernel,
  checkProfileName,
  type DeviceInfo,
  emptyResults,
  type KeepsArrays,
  type Kernel,
  type Parameters,
  type PrepareOptions,
  planSequence,
  type RecordOptions,
  type RecordRun,
  type RecordsSequences,
  type References,
  type ResidentArray,
  RunClock,
  RunLedger,
  type RunOptions,
  type RunPlan,
  type RunResults,
  recordRuns,
  type Sequence,
  type Staged,
  type StagesMemory,
  type TunesKernels,
  type TuningReport,
  type TypedArray,
  type TypedArrayConstructor,
  withProfile,
} from "@kiln-gpu/core";
import { BufferPool, CommandPool, DescriptorPool, StagingPool, uploadUsage } from "@kiln-gpu/resource-pools";
import type { DiskStore } from "@kiln-gpu/shader-cache";
import type { OpenDevice } from "@kiln-gpu/webgpu";
import { ArrayUse, type ArrayUsers } from "./array-use.js";
import { BindGroups } from "./bind-groups.js";
import type { SlotContents } from "./execute-batch.js";
import { Holders, type Leak } from "./holders.js";
import { BatchPlacer, deviceUsage } from "./place-batch.js";
import { ProgramStore, type StoredProgram } from "./program-store.js";
import type { ReadyRun } from "./ready-run.js";
import { RecordedSequence, type SequenceContext } from "./recorded-sequence.js";
import { type ArrayAccess, type ArrayContext, type PerformAccess, ResidentMemory } from "./resident-memory.js";
import { elementsOf, Specializer } from "./specializer.js";
import { type Claimed, StagedMemory, TakenMemory } from "./staged-memory.js";
import { SubmissionQueue } from "./submission-queue.js";
import { isQuicker, measureCandidates } from "./tune-kernel.js";
import { UploadCrossover } from "./upload-crossover.js";

/** How much a persistent backend keeps. */
export interface KeepLimits {
  /** Bytes of all buffers together, staging included; runs wait while there is no room, and are refused if there never will be. */
  readonly byteBudget: number;
  /** A buffer that was not used for this many milliseconds is destroyed, at the latest after as many again. */
  readonly maxIdleMs: number;
  readonly maxPipelines: number;
  /** Bind groups (Vulkan: descriptor sets) that are kept. */
  readonly maxDescriptorSets: number;
  /** Bindings of all bind groups together. */
  readonly maxDescriptors: number;
  /** Submissions in flight; runs beyond them gather into the next one. */
  readonly maxSubmissions: number;
}

/** What a backend is made of beside its device. */
export interface PersistentBackendParts {
  readonly limits: KeepLimits;
  readonly store: DiskStore;
  /** Whether runs are submitted by the call that asks for them. */
  readonly isImmediate: boolean;
  readonly onLeak: ((leak: Leak) => void) | undefined;
}

/** Runs that share one submission and its buffers stay below these: enough that the cost of a submission is spread thin. */
const maxBatchRuns = 256;
const maxSharedByteLength = 64 * 2 ** 20;

/** Creates once, keeps, and serves runs out of what it keeps. */
export class PersistentBackend implements ComputeBackend, StagesMemory, KeepsArrays, RecordsSequences, TunesKernels {
  readonly name = "persistent";
  readonly device: DeviceInfo;
  readonly #open: OpenDevice;
  readonly #runs = new RunLedger(this.name);
  readonly #programs: ProgramStore;
  readonly #specializer: Specializer;
  readonly #buffers: BufferPool;
  readonly #staging: StagingPool;
  readonly #descriptors: DescriptorPool;
  readonly #slots: CommandPool<SlotContents>;
  readonly #submissions: SubmissionQueue;
  readonly #counts = { submissions: 0 };
  readonly #maxIdleMs: number;
  #trimTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #holders: Holders;
  readonly #arrays: ArrayContext;
  readonly #sequences: SequenceContext;
  #closing: Promise<void> | undefined;

  constructor(open: OpenDevice, { limits, store, isImmediate, onLeak }: PersistentBackendParts) {
    this.#open = open;
    this.#holders = new Holders(onLeak);
    this.device = open.info;
    const { device } = open;
    this.#maxIdleMs = limits.maxIdleMs;
    const { maxDescriptorSets: maxSets, maxDescriptors, byteBudget, maxIdleMs } = limits;
    this.#programs = new ProgramStore(open, limits.maxPipelines);
    this.#specializer = new Specializer(this.#programs, open.info, store);
    this.#descriptors = new DescriptorPool({ device, maxSets, maxDescriptors });
    const onDestroy = ({ id }: { readonly id: number }) => this.#descriptors.dropBuffer(id);
    this.#buffers = new BufferPool({ device, byteBudget, maxIdleMs, onDestroy });
    this.#staging = new StagingPool(this.#buffers);
    this.#arrays = {
      buffers: this.#buffers,
      holders: this.#holders,
      perform: (access) => this.#access(access) as ReturnType<PerformAccess>,
    };
    this.#slots = new CommandPool<SlotContents>({
      maxSlots: limits.maxSubmissions,
      create: () => ({}),
      destroy: ({ timer }) => timer?.destroy(),
    });
    const { minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment, maxBufferSize } = open.info.limits;
    const crossover = new UploadCrossover({
      queue: device.queue,
      createCommandEncoder: () => device.createCommandEncoder(),
      info: open.info,
      buffers: this.#buffers,
      staging: this.#staging,
      store,
    });
    const places = {
      get maxQueueUploadByteLength() {
        return crossover.byteLength;
      },
      alignment: Math.max(minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment),
      maxSharedByteLength: Math.min(maxSharedByteLength, maxBufferSize),
    };
    this.#sequences = {
      buffers: this.#buffers,
      descriptors: this.#descriptors,
      holders: this.#holders,
      places,
      makeArray: (bytes) => this.#makeArray(Uint8Array, bytes.length, bytes, true),
      replay: (sequence, plan, replayOptions) => this.#replay(sequence, plan, replayOptions),
    };
    this.#submissions = new SubmissionQueue(
      {
        open,
        buffers: this.#buffers,
        staging: this.#staging,
        descriptors: this.#descriptors,
        bindGroups: new BindGroups(this.#descriptors),
        placer: new BatchPlacer(places),
        crossover,
        scratch: new Uint8Array(UploadCrossover.largest),
        holders: this.#holders,
        counts: this.#counts,
      },
      this.#slots,
      // A batch of small runs must always fit: at most its bytes again in each staging direction, and a quarter of waste.
      {
        isImmediate,
        maxBatchRuns,
        maxBatchByteLength: Math.min(places.maxSharedByteLength, byteBudget / 8),
        alignment: places.alignment,
      },
    );
  }

  async prepare<B extends Bindings>(kernel: Kernel<B>, options: PrepareOptions = {}): Promise<void> {
    checkKernel(kernel);
    return this.#runs.prepare(`The preparation of kernel "${kernel.label}"`, options, async () => {
      if (this.#open.loss) throw this.#open.loss;
      const loaded = await this.#programs.load(kernel.tunable ? kernel.specialize({}) : kernel);
      const wanted = Object.keys(kernel.programs).map((program) => ({ program, split: false }));
      await this.#programs.pipelines(loaded, wanted);
    });
  }

  run<K extends Bindings, B extends Accepted<K>, const O extends RunOptions = RunOptions>(
    kernel: Kernel<K>,
    bindings: B,
    options: RunOptions = {},
  ): Promise<RunResults<B, O>> {
    try {
      checkKernel(kernel);
    } catch (error) {
      return Promise.reject(error);
    }
    const work = (caller: Caller) => this.#execute(kernel, bindings as unknown as K, options, caller);
    return this.#runs.start(kernel.label, options, work) as Promise<RunResults<B, O>>;
  }

  async #execute<B extends Bindings>(
    kernel: Kernel<B>,
    bindings: B,
    { workgroups, profile, timeoutMs }: RunOptions,
    caller: Caller,
  ): Promise<object> {
    if (this.#open.loss) throw this.#open.loss;
    const clock = profile ? new RunClock() : undefined;
    if (profile) checkProfileName(`Kernel "${kernel.label}"`, bindings);
    const arrays = this.#arraysOf(kernel.label, bindings);
    const claimed = this.#claimStaged(kernel.label, bindings);
    const use = arrays && new ArrayUse(`The run of kernel "${kernel.label}"`, arrays, caller);
    let taken: TakenMemory | undefined;
    try {
      const choice = kernel.tunable ? this.#specializer.choose(kernel, bindings) : kernel;
      const chosen = choice instanceof Promise ? await choice : choice;
      const loaded = this.#programs.peek(chosen) ?? (await this.#programs.load(chosen));
      const plan = loaded.planner.plan(bindings, workgroups);
      if (plan.isEmpty) return clock ? withProfile(emptyResults(plan), clock.profile()) : emptyResults(plan);
      taken = claimed && new TakenMemory(plan, claimed);
      const { dispatches } = plan;
      const pipelines =
        this.#programs.peekPipelines(loaded, dispatches) ?? (await this.#programs.pipelines(loaded, dispatches));
      clock?.lap("pipelineMs");
      // A batch that is refused is submitted again, and staged memory serves one submission; a lease keeps all of a batch's results mapped.
      const isLeased = plan.resources.some(({ result }) => result?.isLeased);
      const alone = clock !== undefined || timeoutMs !== undefined || taken !== undefined || isLeased;
      const run = { plan, pipelines, taken, use, record: undefined, recorded: undefined, caller, clock };
      if (use) return await this.#enqueueInOrder(use, arraysWrittenBy(plan), run, alone);
      return await this.#submissions.enqueue(run, alone);
    } catch (error) {
      use?.end(error);
      throw error;
    } finally {
      this.#trimLater();
      if (taken) taken.giveBack(this.#staging);
      else if (claimed) for (const staged of claimed.values()) staged.unclaim();
    }
  }

  /** Destroys what nobody used for long, also when no run comes any more. It keeps no process alive. */
  #trimLater(): void {
    if (this.#trimTimer !== undefined || this.#runs.closed) return;
    this.#trimTimer = setTimeout(
      () => {
        this.#trimTimer = undefined;
        this.#buffers.trim(Number.POSITIVE_INFINITY);
        if (this.#buffers.stats().live > 0) this.#trimLater();
      },
      Math.min(this.#maxIdleMs, 0x7fff_ffff),
    );
    (this.#trimTimer as { unref?(): void }).unref?.();
  }

  /** The resident arrays among `bindings`, each once. */
  #arraysOf(label: string, bindings: Bindings): ArrayUsers[] | undefined {
    let arrays: ArrayUsers[] | undefined;
    for (const name in bindings) {
      const value = bindings[name] as ResidentArray | null | undefined;
      if (typeof value !== "object" || value?.role !== "resident") continue;
      const { users } = ResidentMemory.claim(value, this.#arrays, `Kernel "${label}"`, name);
      arrays ??= [];
      if (!arrays.includes(users)) arrays.push(users);
    }
    return arrays;
  }

  /** Moves staged memory from its callers to this run: all of it, or none where a handle is refused. */
  #claimStaged(label: string, bindings: Bindings): Claimed | undefined {
    let claimed: Map<string, StagedMemory<TypedArray>> | undefined;
    for (const name in bindings) {
      const value = bindings[name] as Staged | null | undefined;
      if (typeof value !== "object" || value?.role !== "staged") continue;
      claimed ??= new Map();
      try {
        claimed.set(name, StagedMemory.claim(value, this.#staging, label, name));
      } catch (error) {
        for (const staged of claimed.values()) staged.unclaim();
        throw error;
      }
    }
    return claimed;
  }

  async stage<T extends TypedArray>(type: TypedArrayConstructor<T>, length: number): Promise<Staged<T>> {
    checkLength(`Staged memory`, length);
    let staged: Staged<T> | undefined;
    await this.#runs.prepare(`The staging of ${length} elements`, {}, async () => {
      if (this.#open.loss) throw this.#open.loss;
      const byteLength = length * type.BYTES_PER_ELEMENT;
      const buffer = await this.#buffers.acquire({ byteLength, usage: uploadUsage });
      staged = new StagedMemory(this.#staging, buffer, type, length, this.#holders);
    });
    return staged!;
  }

  array<T extends TypedArray>(data: T): Promise<ResidentArray<T>>;
  array<T extends TypedArray>(type: TypedArrayConstructor<T>, length: number): Promise<ResidentArray<T>>;
  async array<T extends TypedArray>(given: T | TypedArrayConstructor<T>, count?: number): Promise<ResidentArray<T>> {
    const data = ArrayBuffer.isView(given) ? (given as T) : undefined;
    const type = (data ? arrayTypeOf(data) : given) as TypedArrayConstructor<T>;
    const length = data ? data.length : count!;
    if (typeof type !== "function" || !(type.BYTES_PER_ELEMENT > 0)) {
      throw new ComputeError(
        "invalid-option",
        `A resident array is made of a typed array, or of a typed array's constructor and a length; ${String(type)} is given.`,
      );
    }
    checkLength(`A resident ${type.name}`, length);
    return await this.#makeArray(type, length, data, false);
  }

  async #makeArray<T extends TypedArray>(
    type: TypedArrayConstructor<T>,
    length: number,
    data: T | undefined,
    isOwned: boolean,
  ): Promise<ResidentMemory<T>> {
    const buffer = await this.#runs.prepare(`The making of a resident ${type.name} of ${length}`, {}, async () => {
      if (this.#open.loss) throw this.#open.loss;
      return await this.#buffers.acquire({
        byteLength: length * type.BYTES_PER_ELEMENT,
        usage: deviceUsage,
      });
    });
    const array = new ResidentMemory(this.#arrays, buffer, type, length, isOwned);
    try {
      await (data ? array.write(data) : array.clear());
    } catch (error) {
      array.dispose();
      throw error;
    }
    return array;
  }

  record<P extends Parameters>(
    parameters: P,
    build: (run: RecordRun, references: References<P>) => void,
    { label = "sequence", signal }: RecordOptions = {},
  ): Promise<Sequence<P>> {
    const subject = `The recording of sequence "${label}"`;
    return this.#runs.prepare(subject, signal ? { signal } : {}, async () => {
      if (this.#open.loss) throw this.#open.loss;
      const runs = recordRuns(label, parameters, build);
      const plans: RunPlan[] = [];
      const pipelines: StoredProgram[] = [];
      for (const { kernel: asked, bindings, workgroups } of runs) {
        this.#arraysOf(asked.label, bindings);
        const kernel = asked.tunable ? await this.#specializer.choose(asked, bindings) : asked;
        const loaded = this.#programs.peek(kernel) ?? (await this.#programs.load(kernel));
        const plan = loaded.planner.plan(bindings, workgroups);
        plans.push(plan);
        const { dispatches } = plan;
        pipelines.push(
          ...(this.#programs.peekPipelines(loaded, dispatches) ?? (await this.#programs.pipelines(loaded, dispatches))),
        );
      }
      const planned = planSequence(label, runs, plans);
      const sequence = await RecordedSequence.make(this.#sequences, parameters, planned, pipelines);
      // Nobody gets it any more.
      if (signal?.aborted) sequence.dispose();
      return sequence;
    });
  }

  tune<K extends Bindings, B extends Accepted<K>>(
    kernel: Kernel<K>,
    bindings: B,
    options: PrepareOptions = {},
  ): Promise<TuningReport> {
    return this.#runs.prepare(`The tuning of kernel "${kernel?.label}"`, options, async () => {
      checkKernel(kernel);
      if (this.#open.loss) throw this.#open.loss;
      if (!kernel.tunable) {
        throw new ComputeError(
          "invalid-kernel",
          `Kernel "${kernel.label}" has nothing to tune; give it \`tunable\` constants, as { workgroup_size: [256, 64, 128] }.`,
        );
      }
      const tuned = kernel as unknown as Kernel;
      const given = bindings as unknown as Bindings;
      const elements = elementsOf(given);
      const fitting = await this.#specializer.candidates(tuned);
      if (fitting.length === 0) {
        const most = this.device.limits.maxComputeInvocationsPerWorkgroup;
        throw new ComputeError(
          "limit-exceeded",
          `Kernel "${kernel.label}" is tunable by ${JSON.stringify(kernel.tunable)}; this device runs none of that, at most ${most} ` +
            "invocations in a workgroup.",
        );
      }
      const { candidates, clock } = await measureCandidates(this, fitting, given);
      const first = candidates.find(({ constants }) => constants === fitting[0]!.constants)!;
      const quicker = isQuicker(candidates[0]!, first);
      const chosen = (quicker ? candidates[0]! : first).constants;
      await this.#specializer.keep(tuned, elements, chosen);
      return { kernel: kernel.label, elements, candidates, chosen, isQuicker: quicker, clock };
    });
  }

  /** One replay of a sequence; `plan` gives its plan, with its parameters checked. */
  #replay(
    { label, batch, resources, parameters }: RecordedSequence,
    plan: () => RunPlan,
    options: RunOptions,
  ): Promise<object> {
    return this.#runs.start(`sequence "${label}"`, options, async (caller) => {
      if (this.#open.loss) throw this.#open.loss;
      const clock = options.profile ? new RunClock() : undefined;
      if (clock) checkProfileName(`Sequence "${label}"`, parameters as Bindings);
      const filled = plan();
      const arrays = resources.flatMap(({ resident }) =>
        resident ? ResidentMemory.claim(resident, this.#arrays, `Sequence "${label}"`, "array").users : [],
      );
      const use = new ArrayUse(`The replay of sequence "${label}"`, arrays, caller);
      const run = {
        plan: filled,
        pipelines: [],
        taken: undefined,
        use,
        record: undefined,
        recorded: batch,
        caller,
        clock,
      };
      return await this.#enqueueInOrder(use, arraysWrittenBy(filled), run, true);
    });
  }

  /** Reads, writes and copies arrays, in the order of the calls among each other and with runs. */
  #access({ subject, arrays, written, resources, record }: ArrayAccess): Promise<object> {
    return this.#runs.prepare(subject, {}, async () => {
      if (this.#open.loss) throw this.#open.loss;
      const usersOf = (of: readonly ResidentMemory[]) => of.map(({ users }) => users);
      const caller = { left: undefined };
      const use = new ArrayUse(subject, usersOf(arrays), caller);
      const plan = { label: subject, resources, dispatches: [], isEmpty: false, bound: new Map(), shape: {} };
      const run = { plan, pipelines: [], taken: undefined, use, record, recorded: undefined, caller, clock: undefined };
      return await this.#enqueueInOrder(use, usersOf(written), run, false);
    });
  }

  /** Brings `run` to the queue when it is its turn among those that share its arrays, of which it writes `written`. */
  async #enqueueInOrder(use: ArrayUse, written: readonly ArrayUsers[], run: ReadyRun, alone: boolean): Promise<object> {
    try {
      const turn = use.turn();
      if (turn) await turn;
      use.come(written);
      return await this.#submissions.enqueue(run, alone);
    } catch (error) {
      use.end(error);
      throw error;
    } finally {
      use.end();
      this.#trimLater();
    }
  }

  stats(): BackendStats {
    const { made, reused, live, bytes, highWaterBytes } = this.#buffers.stats();
    return {
      runs: this.#runs.stats(),
      submissions: this.#counts.submissions,
      devices: {
        made: this.#open.isOwned ? 1 : 0,
        reused: Math.max(this.#counts.submissions - 1, 0),
        live: this.#open.isOwned && !this.#open.loss ? 1 : 0,
      },
      pipelines: countersOf(this.#programs.stats()),
      bindGroups: countersOf(this.#descriptors.stats()),
      buffers: { made, reused, live, bytes, highWaterBytes },
    };
  }

  dispose(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Before the runs have ended, for one may be waiting for memory that a caller holds.
    const closed = this.#runs.close();
    this.#holders.end();
    await closed;
    clearTimeout(this.#trimTimer);
    await withinLoss(
      this.#open,
      this.#slots.idle().then(() => this.#staging.settled()),
    );
    this.#slots.dispose();
    this.#buffers.dispose();
    this.#descriptors.dispose();
    this.#programs.clear();
    await this.#open.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** A lost device may stay silent about what it was given: from its loss on this waits for a second, otherwise as long as it takes. */
function withinLoss(open: OpenDevice, ended: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let forget: (() => void) | undefined;
    const finish = () => {
      forget?.();
      clearTimeout(timer);
      resolve();
    };
    forget = open.onLoss(() => {
      timer = setTimeout(finish, 1000);
    });
    ended.then(finish);
  });
}

function checkLength(subject: string, length: number): void {
  if (Number.isSafeInteger(length) && length >= 1) return;
  throw new ComputeError(
    "invalid-option",
    `${subject} of ${length} elements is asked for; expected is a whole number, 1 or more.`,
  );
}

/** The resident arrays that the plan's passes write. */
function arraysWrittenBy({ resources }: RunPlan): ArrayUsers[] {
  const written: ArrayUsers[] = [];
  for (const { resident, access } of resources) {
    if (resident && access !== "read") written.push((resident as ResidentMemory).users);
  }
  return written;
}

function countersOf({ made, reused, live, evicted }: BackendStats["pipelines"]): BackendStats["pipelines"] {
  return { made, reused, live, evicted };
}
