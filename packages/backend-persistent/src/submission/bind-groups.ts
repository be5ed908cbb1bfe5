import type { BindGroupEntry, DescriptorPool, PooledBindGroup, PooledBuffer } from "@kiln-gpu/resource-pools";
import type { EncodableDispatch } from "@kiln-gpu/webgpu";
import type { StoredProgram } from "../programs/program-store.js";
import { isEach } from "./is-each.js";
import type { BatchPlaces } from "./place-batch.js";
import type { ReadyRun } from "./ready-run.js";

type Bindable = Pick<ReadyRun, "plan" | "pipelines">;

/** What one batch was encoded from. */
interface Bound {
  readonly regions: readonly PooledBuffer[];
  /** By run. */
  readonly pipelines: readonly (readonly StoredProgram[])[];
  readonly sets: readonly PooledBindGroup[];
  readonly dispatches: readonly EncodableDispatch[];
}

/**
 * The dispatches of batches with their bind groups, found in the pool or made. What a batch was encoded from is kept with its places, so
 * that a loop which repeats its runs looks nothing up.
 */
export class BindGroups {
  readonly #descriptors: DescriptorPool;
  readonly #maxMemories: number;
  readonly #kept = new WeakMap<BatchPlaces, Bound[]>();

  /** @param maxMemories With how many different buffers a batch is kept. */
  constructor(descriptors: DescriptorPool, maxMemories: number) {
    this.#descriptors = descriptors;
    this.#maxMemories = maxMemories;
  }

  /** @param regions By region of `places`. */
  bind(runs: readonly Bindable[], places: BatchPlaces, regions: readonly PooledBuffer[]): readonly EncodableDispatch[] {
    const kept = this.#kept.get(places);
    const known = kept?.find((bound) => isSame(bound, runs, regions));
    if (known && this.#descriptors.reuse(known.sets)) return known.dispatches;
    const { sets, dispatches } = acquireBindGroups(this.#descriptors, runs, places, regions);
    const bound = { regions, pipelines: runs.map(({ pipelines }) => pipelines), sets, dispatches };
    const others = kept?.filter((other) => other !== known) ?? [];
    this.#kept.set(places, [bound, ...others.slice(0, this.#maxMemories - 1)]);
    return dispatches;
  }
}

function isSame(bound: Bound, runs: readonly Bindable[], regions: readonly PooledBuffer[]): boolean {
  return (
    isEach(bound.regions, regions) &&
    bound.pipelines.length === runs.length &&
    bound.pipelines.every((pipelines, i) => isEach(pipelines, runs[i]!.pipelines))
  );
}

/**
 * A batch may need more than the pool may hold: what was taken is given back as soon as the pool is full, for a bind group lives on in
 * whoever has it.
 */
export function acquireBindGroups(
  descriptors: DescriptorPool,
  runs: readonly Bindable[],
  { places }: BatchPlaces,
  regions: readonly PooledBuffer[],
): Pick<Bound, "sets" | "dispatches"> {
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
        const { entries, workgroups, immediates } = plan.dispatches[i]!;
        const { pipeline, bindGroupLayouts, layoutIds } = pipelines[i]!;
        const bindGroups: GPUBindGroup[] = [];
        for (let group = 0; group < bindGroupLayouts.length; group += 1) {
          const bound: BindGroupEntry[] = [];
          for (const { group: of, binding, resource } of entries) {
            if (of !== group) continue;
            const { region, start } = places[run]![resource]!;
            bound.push({
              binding,
              buffer: regions[region]!,
              offset: start,
              size: plan.resources[resource]!.byteLength,
            });
          }
          const request = { layout: bindGroupLayouts[group]!, layoutId: layoutIds[group]!, entries: bound };
          let set = descriptors.tryAcquire(request);
          if (!set) {
            release();
            set = descriptors.tryAcquire(request);
          }
          if (!set) throw new Error("Unreachable: nobody else holds bind groups.");
          sets.push(set);
          bindGroups.push(set.bindGroup);
        }
        const set = immediates === undefined ? undefined : { run, resource: immediates };
        dispatches.push({ pipeline, bindGroups, workgroups, immediates: set });
      }
    }
    return { sets, dispatches };
  } finally {
    // Also when one is refused, or nobody could ever have these again.
    release();
  }
}
