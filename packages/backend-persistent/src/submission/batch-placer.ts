import type { RunPlan } from "@kiln-gpu/core";
import { type BatchPlaces, type PlaceLimits, placeBatch } from "./place-batch.js";

/** Runs of all batches of one shape that are kept. */
const maxKeptRuns = 1024;

/**
 * Places batches, and keeps where the last used of a shape lay: a loop that repeats its runs places them once, and so does a service whose callers
 * come as they please, a few in one batch and more in the next.
 *
 * Only batches whose runs all have one shape are kept.
 */
export class BatchPlacer {
  readonly #limits: PlaceLimits;
  /** By shape; each of another number of runs, the last used first. */
  #kept = new WeakMap<object, BatchPlaces[]>();

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** To be called when the limits have changed. */
  forget(): void {
    this.#kept = new WeakMap();
  }

  place(runs: readonly { readonly plan: RunPlan }[]): BatchPlaces {
    const { shape } = runs[0]!.plan;
    let isUniform = true;
    for (let i = 1; i < runs.length && isUniform; i += 1) isUniform = runs[i]!.plan.shape === shape;
    const kept = (isUniform && this.#kept.get(shape)) || [];
    const at = kept.findIndex(({ places }) => places.length === runs.length);
    if (at > 0) kept.unshift(...kept.splice(at, 1));
    if (at >= 0) return kept[0]!;
    const places = placeBatch(
      runs.map(({ plan }) => plan),
      this.#limits,
    );
    if (isUniform) this.#kept.set(shape, fewOf([places, ...kept]));
    return places;
  }
}

/** As many of the first as have no more than `maxKeptRuns` together, and the first in any case. */
function fewOf(kept: readonly BatchPlaces[]): BatchPlaces[] {
  let runs = 0;
  return kept.filter(({ places }, i) => {
    runs += places.length;
    return i === 0 || runs <= maxKeptRuns;
  });
}
