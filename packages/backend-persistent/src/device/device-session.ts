import { type CacheCounters, ComputeError, type DeviceInfo, type Kernel } from "@kiln-gpu/core";
import type { RunLedger } from "@kiln-gpu/core/backend";
import { BufferPool, CommandPool, DescriptorPool, StagingPool } from "@kiln-gpu/resource-pools";
import { type LoadOptions, wholeVariants } from "@kiln-gpu/shader";
import type { Store } from "@kiln-gpu/store";
import type { OpenDevice } from "@kiln-gpu/webgpu";
import { Holders, type Leak } from "../memory/holders.js";
import type { ArrayContext, PerformAccess, PerformUse } from "../memory/resident-memory.js";
import { PipelineCache } from "../programs/pipeline-cache.js";
import type { ProgramHistory } from "../programs/program-history.js";
import { Specializer } from "../programs/specializer.js";
import { performAccess, performUse } from "../submission/array-access.js";
import type { PlaceLimits } from "../submission/batch-layout.js";
import { BatchTemplates } from "../submission/batch-templates.js";
import type { SlotContents } from "../submission/execute-batch.js";
import { SubmissionQueue } from "../submission/submission-queue.js";
import type { KeepLimits } from "./keep-limits.js";
import type { Counted } from "./totals.js";

/** What the sessions of one backend share. */
export interface SessionParts {
  readonly limits: KeepLimits;
  readonly store: Store;
  readonly loading: LoadOptions;
  readonly history: ProgramHistory;
  readonly runs: RunLedger;
  /** Whether a run is submitted inside its call. */
  readonly isImmediate: boolean;
  /** Whether memory is filled with a pattern before each use, so that reads of unwritten bytes show. */
  readonly isPoisoned: boolean;
  readonly onLeak: ((leak: Leak) => void) | undefined;
}

/** Bounds of one batch, large enough that the cost of a submission is spread thin. */
const maxBatchRuns = 256;
const maxSharedByteLength = 64 * 2 ** 20;
/**
 * Up to this size an upload through the queue takes the device as long as one through mapped staging, and costs the
 * host less (docs/decisions/0021-one-size-for-queue-uploads.md).
 */
const maxQueueUploadByteLength = 128 * 2 ** 10;
/** How long a lost device is given to answer what it was asked. On a busy machine the answers take over a second. */
const maxAnswerMs = 5000;

/** Everything that is made on one device. It ends with the device. */
export class DeviceSession {
  readonly open: OpenDevice;
  readonly programs: PipelineCache;
  readonly specializer: Specializer;
  readonly buffers: BufferPool;
  readonly staging: StagingPool;
  readonly descriptors: DescriptorPool;
  readonly submissions: SubmissionQueue;
  readonly holders: Holders;
  readonly arrays: ArrayContext;
  readonly placeLimits: PlaceLimits;
  /** One more than the batches of one kind that may be in flight. */
  readonly maxMemories: number;
  readonly runs: RunLedger;
  readonly #slots: CommandPool<SlotContents>;
  readonly #counts = { submissions: 0 };
  readonly #maxIdleMs: number;
  #trimTimer: ReturnType<typeof setTimeout> | undefined;
  #isLost = false;
  #isAbandoned = false;
  /** Whether the kernel that made the backend abandon the device still runs. */
  #isStuck = false;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  constructor(open: OpenDevice, parts: SessionParts) {
    const { limits, store, loading, history, runs, isImmediate, isPoisoned, onLeak } = parts;
    this.open = open;
    this.runs = runs;
    const { device } = open;
    const { maxDescriptorSets: maxSets, maxDescriptors, byteBudget, memoryWaitMs, maxIdleMs } = limits;
    this.#maxIdleMs = maxIdleMs;
    this.holders = new Holders(onLeak);
    const { maxPipelines } = limits;
    this.programs = new PipelineCache({ open, maxPipelines, recorder: runs.recorder, loading, history });
    this.specializer = new Specializer(this.programs, open.info, store);
    this.descriptors = new DescriptorPool({ device, maxSets, maxDescriptors });
    const onDestroy = ({ id }: { readonly id: number }) => this.descriptors.dropBuffer(id);
    const stallTimeout = { timeoutMs: memoryWaitMs, stallError: () => this.#heldByCallers(limits) };
    this.buffers = new BufferPool({ device, byteBudget, maxIdleMs, stallTimeout, onDestroy });
    this.staging = new StagingPool(this.buffers);
    const perform: PerformAccess = (access) => performAccess(this, access) as ReturnType<PerformAccess>;
    const lend: PerformUse = (use) => performUse(this, use);
    this.arrays = { open, buffers: this.buffers, holders: this.holders, perform, performUse: lend };
    this.#slots = new CommandPool<SlotContents>({
      maxSlots: limits.maxSubmissions,
      create: () => ({}),
      destroy: ({ timer }) => timer?.destroy(),
    });
    const { minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment, maxBufferSize } = open.info.limits;
    this.placeLimits = {
      maxQueueUploadByteLength,
      alignment: Math.max(minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment),
      maxSharedByteLength: Math.min(maxSharedByteLength, maxBufferSize),
    };
    this.maxMemories = limits.maxSubmissions + 1;
    this.submissions = new SubmissionQueue(
      {
        open,
        buffers: this.buffers,
        staging: this.staging,
        descriptors: this.descriptors,
        templates: new BatchTemplates(this.placeLimits, this.maxMemories),
        scratch: new Uint8Array(maxQueueUploadByteLength),
        holders: this.holders,
        counts: this.#counts,
        recorder: runs.recorder,
        isPoisoned,
      },
      this.#slots,
      // A batch of small runs must always fit into the budget: with staging in both directions it takes three times its
      // bytes, and the size classes waste up to a quarter.
      {
        isImmediate,
        maxBatchRuns,
        maxBatchByteLength: Math.min(this.placeLimits.maxSharedByteLength, byteBudget / 8),
        alignment: this.placeLimits.alignment,
        graceMs: limits.graceMs,
        deadlineMs: limits.deadlineMs,
        onHang: (loss) => this.#abandon(loss),
      },
    );
  }

  /**
   * Acts on the loss of the device: rejects what is in flight, then calls `onLost`. If the device is lost already, as a
   * caller's own may be, this happens at once.
   */
  watch(onLost: (reason: ComputeError) => void): void {
    this.open.onLoss((reason) => {
      this.#isLost = this.#closing === undefined;
      this.submissions.lose(reason);
      onLost(reason);
    });
  }

  get info(): DeviceInfo {
    return this.open.info;
  }

  /** Whether it is closed, and neither a caller nor a kernel holds any of its memory. */
  get isGone(): boolean {
    return this.#isClosed && !this.#isStuck && this.buffers.stats().bytes === 0;
  }

  /** Whether the device has received a submission. */
  get hasServed(): boolean {
    return this.#counts.submissions > 0;
  }

  /** Compiles all programs of `kernel`. A tunable kernel is compiled in each form that may be chosen. */
  async prepare(kernel: Kernel): Promise<void> {
    const kernels = kernel.tunable ? await this.specializer.choices(kernel) : [kernel];
    await Promise.all(
      kernels.map(async (chosen) => {
        const loaded = await this.programs.load(chosen);
        await this.programs.pipelines(loaded, wholeVariants(loaded.programs, this.open.info.limits));
      }),
    );
  }

  /** Destroys buffers that have been idle for long, even if no further run comes. The timer keeps no process alive. */
  trimLater(): void {
    if (this.#trimTimer !== undefined || this.#closing) return;
    this.#trimTimer = setTimeout(
      () => {
        this.#trimTimer = undefined;
        this.buffers.trim(Number.POSITIVE_INFINITY);
        if (this.buffers.stats().live > 0) this.trimLater();
      },
      Math.min(this.#maxIdleMs, 0x7fff_ffff),
    );
    (this.#trimTimer as { unref?(): void }).unref?.();
  }

  stats(): Counted {
    const { submissions } = this.#counts;
    const { isOwned, loss } = this.open;
    const { warmed, ...pipelines } = this.programs.stats();
    const { made, reused, live, bytes, highWaterBytes, inUseBytes, waiting } = this.buffers.stats();
    return {
      submissions,
      queue: this.submissions.stats(),
      devices: {
        made: isOwned ? 1 : 0,
        reused: Math.max(submissions - 1, 0),
        live: isOwned && !loss ? 1 : 0,
        lost: this.#isLost ? 1 : 0,
        abandoned: this.#isStuck ? 1 : 0,
      },
      pipelines: { ...countersOf(pipelines), warmed },
      bindGroups: countersOf(this.descriptors.stats()),
      buffers: { made, reused, live, bytes, highWaterBytes, inUseBytes, waiting },
    };
  }

  /** Frees everything once all submissions have ended. For those of an abandoned device it does not wait. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#trimTimer);
    // Runs that wait for memory of a lost device reject now, not once everything else has ended.
    if (this.open.loss) this.buffers.dispose(this.open.loss);
    if (!this.#isAbandoned) {
      const ended = this.#slots.idle().then(() => this.staging.settled());
      await withinLoss(this.open, ended);
    }
    this.#slots.dispose();
    this.buffers.dispose(this.open.loss);
    this.descriptors.dispose();
    this.programs.clear();
    await this.open.close();
    this.#isClosed = true;
  }

  /** The error for a wait that only callers could end; `undefined` while work under way may still give memory back. */
  #heldByCallers({ memoryWaitMs, byteBudget }: KeepLimits): ComputeError | undefined {
    if (this.submissions.isWorking || this.staging.isRecycling) return undefined;
    const { inUseBytes } = this.buffers.stats();
    return new ComputeError(
      "out-of-memory",
      `No GPU memory was given back for ${memoryWaitMs} ms, and nothing is under way that would give any: ${inUseBytes} bytes of the byteBudget of ${byteBudget} are in use, by ${this.holders}. Release or dispose what you no longer need, or raise byteBudget.`,
    );
  }

  #abandon(loss: ComputeError): void {
    this.#isAbandoned = true;
    this.#isStuck = true;
    this.open.abandon(loss, () => {
      this.#isStuck = false;
    });
    // A pending map makes the process poll for it.
    this.staging.endMaps();
  }
}

/** Waits for `ended`, but not for ever once the device is lost: a lost device may never answer. */
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
      timer = setTimeout(finish, maxAnswerMs);
    });
    ended.then(finish);
  });
}

function countersOf({ made, reused, live, evicted }: CacheCounters): CacheCounters {
  return { made, reused, live, evicted };
}
