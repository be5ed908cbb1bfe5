import {
  type Bindings,
  ComputeError,
  type Parameters,
  type ReplayOptions,
  type ReplayValues,
  type RunResults,
  type Sequence,
} from "@kiln-gpu/core";
import {
  atCaller,
  bytesOf,
  type Caller,
  checkOptionNames,
  checkProfileName,
  type PlannedSequence,
  type RecordedParameters,
  RunClock,
  type RunPlan,
  recordedParameters,
  replayed,
  replayOptionNames,
  roundUpTo4,
  withParameters,
} from "@kiln-gpu/core/backend";
import type { PooledBuffer } from "@kiln-gpu/resource-pools";
import { deviceError } from "@kiln-gpu/webgpu";
import type { DeviceSession } from "../device/device-session.js";
import { ArrayUse } from "../memory/array-use.js";
import type { Held, Holder } from "../memory/holders.js";
import { memoryError } from "../memory/memory-error.js";
import { type ArrayOwner, ResidentMemory } from "../memory/resident-memory.js";
import { claimStaged, StagedInputs } from "../memory/staged-memory.js";
import type { CachedPipeline } from "../programs/pipeline-cache.js";
import { arraysWrittenBy, enqueueInOrder, unclaimArrays, usersOf } from "../submission/array-access.js";
import { layoutBatch } from "../submission/batch-layout.js";
import { BatchTemplate, bindBatch } from "../submission/batch-template.js";
import { replayRun } from "../submission/ready-run.js";

/** A larger input has a buffer of its own, so that a replay that brings it as staged memory uploads nothing for it. */
const maxSharedInputByteLength = 2 ** 20;

export class RecordedSequence<P extends Parameters = Parameters> implements Sequence<P>, Holder {
  readonly label: string;
  readonly dispatches: number;
  readonly #template: BatchTemplate;
  readonly owner: ArrayOwner;
  readonly #session: DeviceSession;
  readonly #plan: RunPlan;
  readonly parameters: P;
  /** Freed with the sequence. */
  readonly #owned: readonly PooledBuffer[];
  readonly #held: Held;
  readonly #constants: ResidentMemory<Uint8Array> | undefined;
  readonly #recorded: RecordedParameters;
  /** The template of the last replay that brought staged memory. A loop brings it for the same inputs each time. */
  #staged: { readonly key: string; readonly template: BatchTemplate } | undefined;
  #replays = 0;
  #isDisposed = false;
  #loss: ComputeError | undefined;

  /**
   * Acquires the memory and the bind groups that the replays of `planned` share.
   * @param pipelines By dispatch.
   * @throws {ComputeError} `limit-exceeded`, `out-of-memory`, `device-lost`.
   */
  static async make<P extends Parameters>(
    session: DeviceSession,
    owner: ArrayOwner,
    parameters: P,
    planned: PlannedSequence,
    pipelines: readonly CachedPipeline[],
  ): Promise<RecordedSequence<P>> {
    const { buffers, descriptors } = session;
    const constants = await makeConstants(session, owner, planned);
    let owned: PooledBuffer[] = [];
    try {
      const plan = constants ? constants.plan : planned.plan;
      const layout = layoutBatch([plan], { ...session.placeLimits, maxSharedInputByteLength });
      const residents = layout.regions.flatMap(({ resident }) =>
        resident ? (plan.resources[resident.resource]!.resident as ResidentMemory).buffer : [],
      );
      owned = await buffers.acquireAll(layout.requests.slice(0, layout.ownRegions));
      const regions = [...owned, ...residents];
      const bound = bindBatch(descriptors, layout, [{ plan, pipelines }], regions, session.maxMemories);
      const template = new BatchTemplate(layout, session.maxMemories, bound);
      const dispatches = bound.dispatches.length;
      return new RecordedSequence(session, owner, parameters, plan, template, dispatches, owned, constants?.array);
    } catch (error) {
      buffers.releaseAll(owned);
      constants?.array.dispose();
      const subject = `Sequence "${planned.plan.label}"`;
      throw await deviceError(session.open, subject, memoryError(subject, error));
    }
  }

  private constructor(
    session: DeviceSession,
    owner: ArrayOwner,
    parameters: P,
    plan: RunPlan,
    template: BatchTemplate,
    dispatches: number,
    owned: readonly PooledBuffer[],
    constants: ResidentMemory<Uint8Array> | undefined,
  ) {
    this.label = plan.label;
    this.dispatches = dispatches;
    this.#template = template;
    this.owner = owner;
    this.#session = session;
    this.#plan = plan;
    this.parameters = parameters;
    this.#recorded = recordedParameters(parameters);
    this.#owned = owned;
    this.#constants = constants;
    const { buffers, holders } = session;
    const held = constants ? [...owned, constants.buffer] : owned;
    this.#held = holders.add(this, {
      what: `sequence "${this.label}"`,
      free: () => buffers.releaseAll(held),
      isViewed: false,
    });
  }

  async replay<const O extends ReplayOptions = ReplayOptions>(
    values: ReplayValues<P> = {},
    options?: O,
  ): Promise<RunResults<P, O>> {
    const subject = `Sequence "${this.label}"`;
    const replaying = `The replay of sequence "${this.label}"`;
    try {
      this.#check(subject);
      if (options !== undefined) checkOptionNames(replaying, options, replayOptionNames);
    } catch (error) {
      throw atCaller(error, this.replay);
    }
    this.#replays += 1;
    try {
      const replay = async (caller: Caller) => {
        const clock = options?.profile ? (caller.trace?.clock ?? new RunClock()) : undefined;
        if (clock) checkProfileName(subject, this.parameters as Bindings);
        const parameters = replayed(this.label, this.parameters, values);
        const plan = withParameters(this.#plan, this.#recorded, parameters);
        const residents: readonly ResidentMemory[] = this.#claimResidents(subject);
        const { staging } = this.#session;
        let taken: StagedInputs | undefined;
        try {
          const arrays = residents.map((resident) => resident.usersOn(this.#session.arrays, subject));
          const claimed = claimStaged(this.owner, "Sequence", this.label, parameters);
          taken = claimed && new StagedInputs(plan, claimed);
          const written = arraysWrittenBy(plan);
          const use = new ArrayUse(replaying, arrays, usersOf(written), caller);
          for (const array of written) array.outdateCopy();
          const template = taken ? this.#templateWithStaged(plan) : this.#template;
          const parts = { plan, template, staged: taken, arrayUse: use, caller, clock };
          return await enqueueInOrder(this.#session, use, written, replayRun(this.#session.holders, parts));
        } finally {
          taken?.giveBack(staging);
          this.#session.trimLater();
          unclaimArrays(residents);
        }
      };
      const results = await this.#session.runs.start(`sequence "${this.label}"`, options ?? {}, replay, replaying);
      return results as RunResults<P, O>;
    } catch (error) {
      throw atCaller(error, this.replay);
    } finally {
      this.#replays -= 1;
      this.#freeUnused();
    }
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#session.holders.delete(this.#held);
    this.#freeUnused();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  lose(reason: ComputeError): void {
    this.#loss = reason;
    this.dispose();
  }

  /** @throws {ComputeError} `disposed`, `device-lost`. */
  #check(subject: string): void {
    if (this.#loss) {
      const message = `${subject} was lost with its device; record it again. ${this.#loss.message}`;
      throw new ComputeError("device-lost", message, { cause: this.#loss });
    }
    if (this.#isDisposed) throw new ComputeError("disposed", `${subject} is disposed; record it again.`);
  }

  #templateWithStaged(plan: RunPlan): BatchTemplate {
    const key = plan.resources.map(({ staged }) => (staged ? 1 : 0)).join("");
    if (this.#staged?.key !== key) {
      this.#staged = { key, template: this.#template.withStaged(plan, this.#session.placeLimits) };
    }
    return this.#staged.template;
  }

  /** Claims the callers' arrays, which every replay binds. */
  #claimResidents(subject: string): ResidentMemory[] {
    const claimed: ResidentMemory[] = [];
    try {
      for (const { resident } of this.#plan.resources) {
        if (!resident || resident === this.#constants) continue;
        claimed.push(ResidentMemory.claim(resident, this.owner, subject, "array"));
      }
    } catch (error) {
      unclaimArrays(claimed);
      throw error;
    }
    return claimed;
  }

  #freeUnused(): void {
    if (!this.#isDisposed || this.#replays > 0) return;
    this.#session.buffers.releaseAll(this.#owned);
    this.#constants?.dispose();
  }
}

/** Uploads the inputs that no replay changes into one array, equal inputs once, and binds them from there. */
async function makeConstants(session: DeviceSession, owner: ArrayOwner, { plan, constants }: PlannedSequence) {
  if (constants.length === 0) return undefined;
  const starts = new Map<unknown, number>();
  const parts: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  const startOf = constants.map((index) => {
    const data = plan.resources[index]!.data!;
    const bytes = bytesOf(data);
    // Comparing long inputs by content is slow, so those are compared by identity.
    const key = bytes.length <= 256 ? bytes.join() : data;
    const known = starts.get(key);
    if (known !== undefined) return known;
    const last = parts.at(-1);
    const { alignment } = session.placeLimits;
    const start = last ? Math.ceil((last.start + last.bytes.length) / alignment) * alignment : 0;
    parts.push({ start, bytes });
    starts.set(key, start);
    return start;
  });
  const { start, bytes } = parts.at(-1)!;
  const all = new Uint8Array(roundUpTo4(start + bytes.length));
  for (const part of parts) all.set(part.bytes, part.start);
  const options = { type: Uint8Array, length: all.length, isPart: true, owner };
  const array = await ResidentMemory.make(session.arrays, options, all);
  const resources = plan.resources.slice();
  for (const [i, index] of constants.entries()) {
    const { data: _, packedAs: __, ...resource } = resources[index]!;
    resources[index] = { ...resource, resident: array, start: startOf[i]! };
  }
  return { array, plan: { ...plan, resources } };
}
