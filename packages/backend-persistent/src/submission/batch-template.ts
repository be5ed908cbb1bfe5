import type { RunPlan } from "@kiln-gpu/core/backend";
import type {
  BindGroupEntry,
  BufferRequest,
  DescriptorPool,
  PooledBindGroup,
  PooledBuffer,
} from "@kiln-gpu/resource-pools";
import type { EncodableDispatch } from "@kiln-gpu/webgpu";
import type { ResidentMemory } from "../memory/resident-memory.js";
import type { StagedInputs } from "../memory/staged-memory.js";
import type { CachedPipeline } from "../programs/pipeline-cache.js";
import { type BatchLayout, layoutWithStaged, type PlaceLimits } from "./batch-layout.js";
import { CommandsAhead } from "./commands-ahead.js";
import { isEach } from "./is-each.js";

/** The facts about a run that a template needs. */
export interface TemplatedRun {
  readonly plan: RunPlan;
  /** By dispatch. */
  readonly pipelines: readonly CachedPipeline[];
  readonly staged: StagedInputs | undefined;
}

/** The buffers of one batch. */
export interface BatchMemory {
  /** By region of the layout: acquired buffers first, then those of resident arrays. */
  readonly regions: readonly PooledBuffer[];
  /** The regions that were acquired for this batch; empty for a sequence, which has its own. */
  readonly acquired: readonly PooledBuffer[];
  /** Staging buffers for uploads; empty if the upload goes through the queue. */
  readonly uploads: readonly PooledBuffer[];
  /** Staged memory, in the order of the layout's staged parts. */
  readonly staged: readonly PooledBuffer[];
  readonly downloads: readonly PooledBuffer[];
}

/** The dispatches of a batch with their bind groups, and the regions and pipelines that those were made for. */
export interface BoundBatch {
  readonly regions: readonly PooledBuffer[];
  /** By run. */
  readonly pipelines: readonly (readonly CachedPipeline[])[];
  readonly sets: readonly PooledBindGroup[];
  readonly dispatches: readonly EncodableDispatch[];
  readonly commands: CommandsAhead;
}

/**
 * Everything that batches of runs of the same shapes share: their layout, the bind groups on the memory that they were
 * lent, and the commands recorded ahead. A loop that repeats its runs finds all of it here and creates nothing.
 *
 * A sequence brings a template of its own, whose regions and bind groups are created once. Its replays acquire only
 * staging buffers.
 */
export class BatchTemplate {
  readonly layout: BatchLayout;
  /** The buffers to acquire for each batch. */
  readonly requests: readonly BufferRequest[];
  readonly #maxMemories: number;
  /** Only for a sequence. */
  readonly #own: BoundBatch | undefined;
  /** The last used first. */
  #bound: BoundBatch[] = [];

  /** @param maxMemories For how many different sets of buffers the bind groups are kept. */
  constructor(layout: BatchLayout, maxMemories: number, own?: BoundBatch) {
    this.layout = layout;
    this.requests = own ? layout.requests.slice(layout.ownRegions) : layout.requests;
    this.#maxMemories = maxMemories;
    this.#own = own;
  }

  /**
   * The template of a replay that brings some of its inputs as staged memory. For those, `plan` has `staged` instead of
   * `data`.
   */
  withStaged(plan: RunPlan, limits: PlaceLimits): BatchTemplate {
    const own = this.#own && { ...this.#own, commands: new CommandsAhead(this.#maxMemories) };
    return new BatchTemplate(layoutWithStaged(this.layout, plan, limits), this.#maxMemories, own);
  }

  /** @param lent The buffers for `requests`. */
  memoryOf(runs: readonly TemplatedRun[], lent: readonly PooledBuffer[]): BatchMemory {
    const { regions, ownRegions, downloads } = this.layout;
    const acquired = this.#own ? [] : lent.slice(0, ownRegions);
    const firstDownload = lent.length - downloads.length;
    const all = ownRegions === regions.length ? acquired : acquired.slice();
    for (let i = ownRegions; i < regions.length; i += 1) {
      const { run, resource } = regions[i]!.resident!;
      all.push((runs[run]!.plan.resources[resource]!.resident as ResidentMemory).buffer);
    }
    return {
      acquired,
      regions: this.#own?.regions ?? all,
      uploads: lent.slice(acquired.length, firstDownload),
      staged: this.#stagedOf(runs),
      downloads: lent.slice(firstDownload),
    };
  }

  /** Only a run that goes alone binds staged memory. */
  #stagedOf(runs: readonly TemplatedRun[]): readonly PooledBuffer[] {
    const taken = runs[0]!.staged;
    if (!taken) return [];
    const staged: PooledBuffer[] = [];
    for (const region of this.layout.regions)
      for (const { resource } of region.staged ?? []) staged.push(taken.at(resource));
    return staged;
  }

  /** Finds or creates the bound dispatches of `runs` on `regions`. */
  bind(descriptors: DescriptorPool, runs: readonly TemplatedRun[], regions: readonly PooledBuffer[]): BoundBatch {
    if (this.#own) return this.#own;
    const known = this.#bound.find((bound) => isMadeOf(bound, runs, regions));
    if (known && descriptors.reuse(known.sets)) return known;
    const bound = bindBatch(descriptors, this.layout, runs, regions, this.#maxMemories);
    const others = this.#bound.filter((other) => other !== known);
    this.#bound = [bound, ...others.slice(0, this.#maxMemories - 1)];
    return bound;
  }
}

function isMadeOf(bound: BoundBatch, runs: readonly TemplatedRun[], regions: readonly PooledBuffer[]): boolean {
  return (
    isEach(bound.regions, regions) &&
    bound.pipelines.length === runs.length &&
    bound.pipelines.every((pipelines, i) => isEach(pipelines, runs[i]!.pipelines))
  );
}

/**
 * Acquires the bind groups of `runs`. A batch may need more of them than the pool may hold, so when the pool is full
 * this releases those acquired so far: a bind group that the pool drops stays valid for its user.
 */
export function bindBatch(
  descriptors: DescriptorPool,
  { places }: BatchLayout,
  runs: readonly Pick<TemplatedRun, "plan" | "pipelines">[],
  regions: readonly PooledBuffer[],
  maxMemories: number,
): BoundBatch {
  const sets: PooledBindGroup[] = [];
  const dispatches: EncodableDispatch[] = [];
  let released = 0;
  const release = () => {
    for (; released < sets.length; released += 1) descriptors.release(sets[released]!);
  };
  try {
    for (let run = 0; run < runs.length; run += 1) {
      const { plan, pipelines } = runs[run]!;
      for (let i = 0; i < plan.dispatches.length; i += 1) {
        const { entries, workgroups, immediates, indirect } = plan.dispatches[i]!;
        const { pipeline, bindGroupLayouts, layoutIds } = pipelines[i]!;
        const bindGroups: GPUBindGroup[] = [];
        for (let group = 0; group < bindGroupLayouts.length; group += 1) {
          const bound: BindGroupEntry[] = [];
          for (const { group: of, binding, resource } of entries) {
            if (of !== group) continue;
            const { region, start } = places[run]![resource]!;
            const size = plan.resources[resource]!.byteLength;
            bound.push({ binding, buffer: regions[region]!, offset: start, size });
          }
          const request = { layout: bindGroupLayouts[group]!, layoutId: layoutIds[group]!, entries: bound };
          let set = descriptors.tryAcquire(request);
          if (!set) {
            release();
            set = descriptors.tryAcquire(request);
          }
          if (!set) throw new Error("Unreachable: nothing else holds bind groups.");
          sets.push(set);
          bindGroups.push(set.bindGroup);
        }
        const set = immediates === undefined ? undefined : { run, resource: immediates };
        const place = indirect === undefined ? undefined : places[run]![indirect]!;
        const read = place && { buffer: regions[place.region]!.buffer, offset: place.start };
        dispatches.push({ pipeline, bindGroups, workgroups, indirect: read, immediates: set });
      }
    }
    const pipelines = runs.map((run) => run.pipelines);
    return { regions, pipelines, sets, dispatches, commands: new CommandsAhead(maxMemories) };
  } finally {
    // Also after a failure: otherwise these could never be acquired again.
    release();
  }
}
