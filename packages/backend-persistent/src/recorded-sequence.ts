import {
  ComputeError,
  type Parameters,
  type PlannedResource,
  type PlannedSequence,
  type ReplayOptions,
  type RunPlan,
  type RunResults,
  replayed,
  type Sequence,
  withParameters,
} from "@kiln-gpu/core";
import type { BufferPool, DescriptorPool, PooledBuffer } from "@kiln-gpu/resource-pools";
import { acquireBindGroups } from "./bind-groups.js";
import type { Holders } from "./holders.js";
import { type PlaceLimits, placeBatch } from "./place-batch.js";
import type { StoredProgram } from "./program-store.js";
import type { RecordedBatch } from "./ready-run.js";
import type { ResidentMemory } from "./resident-memory.js";

/** What sequences share, for the life of the backend. */
export interface SequenceContext {
  readonly buffers: BufferPool;
  readonly descriptors: DescriptorPool;
  readonly holders: Holders;
  readonly places: PlaceLimits;
  /** An array on the GPU with these bytes. */
  readonly makeArray: (bytes: Uint8Array) => Promise<ResidentMemory<Uint8Array>>;
  readonly replay: (sequence: RecordedSequence, plan: () => RunPlan, options: ReplayOptions) => Promise<object>;
}

export class RecordedSequence<P extends Parameters = Parameters> implements Sequence<P> {
  readonly label: string;
  readonly dispatches: number;
  readonly batch: RecordedBatch;
  readonly #context: SequenceContext;
  readonly #plan: RunPlan;
  readonly parameters: P;
  /** Freed with the sequence. */
  readonly #owned: readonly PooledBuffer[];
  readonly #constants: ResidentMemory<Uint8Array> | undefined;
  #replays = 0;
  #isDisposed = false;

  /**
   * Acquires what the replays of `planned` share.
   * @param pipelines By dispatch.
   * @throws {ComputeError} `limit-exceeded`, `out-of-memory`, `device-lost`.
   */
  static async make<P extends Parameters>(
    context: SequenceContext,
    parameters: P,
    planned: PlannedSequence,
    pipelines: readonly StoredProgram[],
  ): Promise<RecordedSequence<P>> {
    const { buffers, descriptors } = context;
    const constants = await makeConstants(context, planned);
    let owned: PooledBuffer[] = [];
    try {
      const plan = constants ? constants.plan : planned.plan;
      const places = placeBatch([plan], context.places);
      const residents = places.regions.flatMap(({ resident }) =>
        resident ? (plan.resources[resident.resource]!.resident as ResidentMemory).buffer : [],
      );
      const count = places.regions.length - residents.length;
      owned = await buffers.acquireAll(places.requests.slice(0, count));
      const regions = [...owned, ...residents];
      const { dispatches } = acquireBindGroups(descriptors, [{ plan, pipelines }], places, regions);
      const batch = { places, regions, staging: places.requests.slice(count), dispatches };
      return new RecordedSequence(context, parameters, plan, batch, owned, constants?.array);
    } catch (error) {
      buffers.releaseAll(owned);
      constants?.array.dispose();
      throw error;
    }
  }

  private constructor(
    context: SequenceContext,
    parameters: P,
    plan: RunPlan,
    batch: RecordedBatch,
    owned: readonly PooledBuffer[],
    constants: ResidentMemory<Uint8Array> | undefined,
  ) {
    this.label = plan.label;
    this.dispatches = batch.dispatches.length;
    this.batch = batch;
    this.#context = context;
    this.#plan = plan;
    this.parameters = parameters;
    this.#owned = owned;
    this.#constants = constants;
    const { buffers, holders } = context;
    const held = constants ? [...owned, constants.buffer] : owned;
    holders.add(this, { what: `sequence "${this.label}"`, free: () => buffers.releaseAll(held), isViewed: false });
  }

  /** Its resources stand for the same resident arrays in every replay. */
  get resources(): readonly PlannedResource[] {
    return this.#plan.resources.filter(({ resident }) => resident !== this.#constants);
  }

  async replay<const O extends ReplayOptions = ReplayOptions>(
    values: { readonly [Name in keyof P]?: P[Name] } = {},
    options?: O,
  ): Promise<RunResults<P, O>> {
    if (this.#isDisposed) {
      throw new ComputeError("disposed", `Sequence "${this.label}" is disposed; record it again.`);
    }
    this.#replays += 1;
    try {
      const plan = () => withParameters(this.#plan, this.parameters, replayed(this.label, this.parameters, values));
      return (await this.#context.replay(this as unknown as RecordedSequence, plan, options ?? {})) as RunResults<P, O>;
    } finally {
      this.#replays -= 1;
      this.#freeUnused();
    }
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#context.holders.delete(this);
    this.#freeUnused();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #freeUnused(): void {
    if (!this.#isDisposed || this.#replays > 0) return;
    this.#context.buffers.releaseAll(this.#owned);
    this.#constants?.dispose();
  }
}

/** The bytes that no replay changes go to the GPU once, equal ones together, and are bound from there. */
async function makeConstants({ places, makeArray }: SequenceContext, { plan, constants }: PlannedSequence) {
  if (constants.length === 0) return undefined;
  const starts = new Map<string, number>();
  const parts: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  const startOf = constants.map((index) => {
    const data = plan.resources[index]!.data!;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    // Long ones are rarely equal, and dear to compare.
    const key = bytes.length <= 256 ? bytes.join() : `part ${parts.length}`;
    const known = starts.get(key);
    if (known !== undefined) return known;
    const last = parts.at(-1);
    const start = last ? Math.ceil((last.start + last.bytes.length) / places.alignment) * places.alignment : 0;
    parts.push({ start, bytes });
    starts.set(key, start);
    return start;
  });
  const { start, bytes } = parts.at(-1)!;
  const all = new Uint8Array(Math.ceil((start + bytes.length) / 4) * 4);
  for (const part of parts) all.set(part.bytes, part.start);
  const array = await makeArray(all);
  const resources = plan.resources.slice();
  for (const [i, index] of constants.entries()) {
    const { data: _, packedAs: __, ...resource } = resources[index]!;
    resources[index] = { ...resource, resident: array, start: startOf[i]! };
  }
  return { array, plan: { ...plan, resources } };
}
