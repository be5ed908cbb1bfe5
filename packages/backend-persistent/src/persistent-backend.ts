import {
  type BackendStats,
  type Bindings,
  type Caller,
  type ComputeBackend,
  type DeviceInfo,
  emptyResults,
  type Kernel,
  type PrepareOptions,
  RunClock,
  RunLedger,
  type RunOptions,
  type RunResults,
  withProfile,
} from "@kiln-gpu/core";
import { BufferPool, CommandPool, DescriptorPool, StagingPool } from "@kiln-gpu/resource-pools";
import type { OpenDevice } from "@kiln-gpu/webgpu";
import type { SlotContents } from "./execute-batch.js";
import { BatchPlacer } from "./place-batch.js";
import { ProgramStore } from "./program-store.js";
import { SubmissionQueue } from "./submission-queue.js";
import { createUploadScratch } from "./transfer.js";

/** How much a persistent backend keeps. */
export interface KeepLimits {
  /** Bytes of all buffers together, staging included; runs wait while there is no room, and are refused if there never will be. */
  readonly byteBudget: number;
  /** A buffer that was not used for this many milliseconds is destroyed. */
  readonly maxIdleMs: number;
  readonly maxPipelines: number;
  /** Bind groups (Vulkan: descriptor sets) that are kept. */
  readonly maxDescriptorSets: number;
  /** Bindings of all bind groups together. */
  readonly maxDescriptors: number;
  /** Submissions in flight; runs beyond them gather into the next one. */
  readonly maxSubmissions: number;
}

/** Runs that share one submission and its buffers stay below these: enough that the cost of a submission is spread thin. */
const maxBatchRuns = 256;
const maxSharedByteLength = 64 * 2 ** 20;

/** Creates once, keeps, and serves runs out of what it keeps. */
export class PersistentBackend implements ComputeBackend {
  readonly name = "persistent";
  readonly device: DeviceInfo;
  readonly #open: OpenDevice;
  readonly #runs = new RunLedger(this.name);
  readonly #programs: ProgramStore;
  readonly #buffers: BufferPool;
  readonly #staging: StagingPool;
  readonly #descriptors: DescriptorPool;
  readonly #slots: CommandPool<SlotContents>;
  readonly #submissions: SubmissionQueue;
  #closing: Promise<void> | undefined;

  constructor(open: OpenDevice, limits: KeepLimits) {
    this.#open = open;
    this.device = open.info;
    const { device } = open;
    const { maxDescriptorSets: maxSets, maxDescriptors, byteBudget, maxIdleMs } = limits;
    this.#programs = new ProgramStore(open, limits.maxPipelines);
    this.#descriptors = new DescriptorPool({ device, maxSets, maxDescriptors });
    const onDestroy = ({ id }: { readonly id: number }) => this.#descriptors.dropBuffer(id);
    this.#buffers = new BufferPool({ device, byteBudget, maxIdleMs, onDestroy });
    this.#staging = new StagingPool(this.#buffers);
    this.#slots = new CommandPool<SlotContents>({
      maxSlots: limits.maxSubmissions,
      create: () => ({}),
      destroy: ({ timer }) => timer?.destroy(),
    });
    const { minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment, maxBufferSize } = open.info.limits;
    const places = {
      alignment: Math.max(minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment),
      maxSharedByteLength: Math.min(maxSharedByteLength, maxBufferSize),
    };
    this.#submissions = new SubmissionQueue(
      {
        open,
        buffers: this.#buffers,
        staging: this.#staging,
        descriptors: this.#descriptors,
        placer: new BatchPlacer(places),
        scratch: createUploadScratch(),
      },
      this.#slots,
      // A batch of small runs must always fit: at most its bytes again in each staging direction, and a quarter of waste.
      { maxBatchRuns, maxBatchByteLength: Math.min(places.maxSharedByteLength, byteBudget / 8) },
    );
  }

  async prepare<B extends Bindings>(kernel: Kernel<B>, options: PrepareOptions = {}): Promise<void> {
    return this.#runs.prepare(kernel.label, options, async () => {
      if (this.#open.loss) throw this.#open.loss;
      const loaded = await this.#programs.load(kernel);
      const wanted = Object.keys(kernel.programs).map((program) => ({ program, split: false }));
      await this.#programs.pipelines(loaded, wanted);
    });
  }

  async run<K extends Bindings, B extends K, const O extends RunOptions = RunOptions>(
    kernel: Kernel<K>,
    bindings: B,
    options?: O,
  ): Promise<RunResults<B, O>> {
    const results = await this.#runs.start(kernel.label, options ?? {}, (caller) =>
      this.#execute(kernel, bindings, options ?? {}, caller),
    );
    return results as RunResults<B, O>;
  }

  async #execute<B extends Bindings>(
    kernel: Kernel<B>,
    bindings: B,
    { workgroups, profile, timeoutMs }: RunOptions,
    caller: Caller,
  ): Promise<object> {
    if (this.#open.loss) throw this.#open.loss;
    const clock = profile ? new RunClock() : undefined;
    const loaded = this.#programs.peek(kernel) ?? (await this.#programs.load(kernel));
    const plan = loaded.planner.plan(bindings, workgroups);
    if (plan.isEmpty) return clock ? withProfile(plan.label, emptyResults(plan), clock.profile()) : emptyResults(plan);
    const { dispatches } = plan;
    const pipelines =
      this.#programs.peekPipelines(loaded, dispatches) ?? (await this.#programs.pipelines(loaded, dispatches));
    clock?.lap("pipelineMs");
    return this.#submissions.enqueue(
      { plan, pipelines, caller, clock },
      clock !== undefined || timeoutMs !== undefined,
    );
  }

  stats(): BackendStats {
    const { made, reused, live, bytes, highWaterBytes } = this.#buffers.stats();
    return {
      runs: this.#runs.stats(),
      submissions: this.#submissions.submissions,
      devices: { made: 1, reused: Math.max(this.#submissions.submissions - 1, 0), live: this.#closing ? 0 : 1 },
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
    await this.#runs.close();
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
async function withinLoss({ lost }: OpenDevice, ended: Promise<void>): Promise<void> {
  let hasEnded = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const givenUp = lost.then(
    () =>
      new Promise<void>((resolve) => {
        // The device is also lost when it is closed, after this.
        if (!hasEnded) timer = setTimeout(resolve, 1000);
      }),
  );
  await Promise.race([ended, givenUp]);
  hasEnded = true;
  clearTimeout(timer);
}

function countersOf({ made, reused, live, evicted }: BackendStats["pipelines"]): BackendStats["pipelines"] {
  return { made, reused, live, evicted };
}
