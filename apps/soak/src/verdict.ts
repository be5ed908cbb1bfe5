import type { Totals } from "./account.js";
import type { Sample } from "./sample.js";

export interface Drift {
  readonly of: string;
  /** The median of the second quarter of the samples; `late` is that of the last. */
  readonly early: number;
  readonly late: number;
  readonly ratio: number;
  /** Whether the difference is no more than noise. */
  readonly isFlat: boolean;
}

export interface Verdict {
  readonly isGood: boolean;
  /** Absent if there are too few samples. */
  readonly drifts?: readonly Drift[];
  readonly lines: readonly string[];
}

interface Bound {
  readonly of: string;
  readonly value: (sample: Sample) => number;
  /** The last quarter may have at most `factor` times the second quarter, plus `slack`. */
  readonly factor: number;
  readonly slack: number;
}

const mebibyte = 2 ** 20;
const minSamples = 8;

const bounds: readonly Bound[] = [
  { of: "resident memory", value: (sample) => sample.residentByteLength, factor: 1.1, slack: 16 * mebibyte },
  { of: "heap", value: (sample) => sample.heapByteLength, factor: 1.1, slack: 2 * mebibyte },
  { of: "external memory", value: (sample) => sample.externalByteLength, factor: 1.1, slack: 16 * mebibyte },
  // Timers of waiting clients and of calls with a deadline.
  { of: "handles", value: (sample) => sample.handles, factor: 1.1, slack: 40 },
  // A shared machine is not always equally fast.
  { of: "median latency", value: (sample) => sample.medianMs, factor: 2, slack: 1 },
];

/** @param goals The counts that the soak must reach. */
export function verdictOf(
  samples: readonly Sample[],
  { wrong, unexpected, hung, unhandled, complaints }: Totals,
  goals: readonly { readonly of: string; readonly given: number; readonly expected: number }[],
): Verdict {
  const defects = { wrong, "unexpected rejections": unexpected, hung, unhandled, complaints };
  const checks = [
    ...Object.entries(defects).map(([of, count]) => ({ line: `${of}: ${count}`, isGood: count === 0 })),
    ...goals.map(({ of, given, expected }) => ({
      line: `${of}: ${given}, expected ${expected} or more`,
      isGood: given >= expected,
    })),
  ];
  const drifts = samples.length < minSamples ? undefined : bounds.map((bound) => driftOf(samples, bound));
  for (const { of, early, late, ratio, isFlat } of drifts ?? []) {
    checks.push({ line: `${of}: ${show(early)} early, ${show(late)} late, ${ratio.toFixed(3)} times`, isGood: isFlat });
  }
  return {
    isGood: checks.every(({ isGood }) => isGood),
    ...(drifts && { drifts }),
    lines: checks.map(({ line, isGood }) => `${isGood ? "ok  " : "FAIL"} ${line}`),
  };
}

function driftOf(samples: readonly Sample[], { of, value, factor, slack }: Bound): Drift {
  const quarter = (n: number) =>
    medianOf(samples.slice((n * samples.length) >> 2, ((n + 1) * samples.length) >> 2).map(value));
  const [early, late] = [quarter(1), quarter(3)];
  return { of, early, late, ratio: early === 0 ? 1 : late / early, isFlat: late <= early * factor + slack };
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

const show = (value: number) =>
  value >= mebibyte ? `${(value / mebibyte).toFixed(1)} MiB` : String(Math.round(value * 100) / 100);
