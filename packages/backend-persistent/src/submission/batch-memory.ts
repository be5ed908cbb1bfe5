import type { BufferPool, PooledBuffer } from "@kiln-gpu/resource-pools";
import type { ResidentMemory } from "../memory/resident-memory.js";
import type { BatchPlaces } from "./place-batch.js";
import type { ReadyRun } from "./ready-run.js";

/** The buffers of a batch. */
export interface BatchMemory {
  /** By region: acquired ones first, then the buffers of resident arrays. */
  readonly regions: readonly PooledBuffer[];
  /** The regions that were acquired. */
  readonly acquired: readonly PooledBuffer[];
  /** Mapped staging; none where the upload goes through the queue. */
  readonly uploads: readonly PooledBuffer[];
  /** Mapped by its callers, in the order of the regions' staged parts. */
  readonly staged: readonly PooledBuffer[];
  readonly downloads: readonly PooledBuffer[];
}

/** What was lent for the batch, by its use. */
export function memoryOf(
  lent: readonly PooledBuffer[],
  staged: readonly PooledBuffer[],
  runs: readonly ReadyRun[],
  places: BatchPlaces,
): BatchMemory {
  const { regions, downloads } = places;
  const { recorded } = runs[0]!;
  const firstDownload = lent.length - downloads.length;
  if (recorded) {
    const uploads = lent.slice(0, firstDownload);
    return { acquired: [], regions: recorded.regions, uploads, staged, downloads: lent.slice(firstDownload) };
  }
  let firstResident = regions.length;
  while (firstResident > 0 && regions[firstResident - 1]!.resident) firstResident -= 1;
  const acquired = lent.slice(0, firstResident);
  const all = firstResident === regions.length ? acquired : acquired.slice();
  for (let i = firstResident; i < regions.length; i += 1) {
    const { run, resource } = regions[i]!.resident!;
    all.push((runs[run]!.plan.resources[resource]!.resident as ResidentMemory).buffer);
  }
  return {
    acquired,
    regions: all,
    uploads: lent.slice(firstResident, firstDownload),
    staged,
    downloads: lent.slice(firstDownload),
  };
}

/** What the callers have staged, in the order of the regions' parts. Only a run that is alone binds any. */
export function stagedOf(runs: readonly ReadyRun[], { regions }: BatchPlaces): readonly PooledBuffer[] {
  const { taken } = runs[0]!;
  if (!taken) return [];
  const staged: PooledBuffer[] = [];
  for (const region of regions) for (const { resource } of region.staged ?? []) staged.push(taken.at(resource));
  return staged;
}

/** Gives back together what is given back, in the order in which it was lent. */
export function releaseMemory(
  buffers: BufferPool,
  { acquired, uploads, downloads }: BatchMemory,
  also: { readonly uploads: boolean; readonly downloads: boolean },
): void {
  const held = acquired.slice();
  if (also.uploads) held.push(...uploads);
  if (also.downloads) held.push(...downloads);
  buffers.releaseAll(held);
}
