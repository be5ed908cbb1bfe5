import type { BackendStats } from "@kiln-gpu/core";

type Counters = { readonly [name: string]: number | Counters };

/**
 * The sum of all counters. High-water marks were reached at different times, so their sum bounds what there ever was.
 * @param runs Those of the backend as a whole: a run that went on elsewhere has begun twice, and counts once.
 */
export function sumOfStats(all: readonly BackendStats[], runs: BackendStats["runs"]): BackendStats {
  const sum = all.map((stats) => stats as unknown as Counters).reduce(add) as unknown as BackendStats;
  return { ...sum, runs };
}

function add(a: Counters, b: Counters): Counters {
  const sum: Record<string, number | Counters> = {};
  for (const name of Object.keys(a)) {
    const [one, other] = [a[name]!, b[name]!];
    sum[name] = typeof one === "number" ? one + (other as number) : add(one, other as Counters);
  }
  return sum;
}
