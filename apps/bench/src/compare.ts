/** Compares the timings of two runs of the bench, the same work on the same machine. */
import { times } from "./format.js";
import { printSections } from "./print.js";
import type { NamedTiming } from "./timings.js";

export interface ComparedTiming extends NamedTiming {
  /** The new median in units of the old one: above 1 is slower. */
  readonly ratio: number;
  /** The ratios of the quick tenth of the one to the slow tenth of the other, both ways. */
  readonly spread: readonly [least: number, most: number];
}

/** Those that both have measured, the greatest loss first. */
export function compareTimings(now: readonly NamedTiming[], before: readonly NamedTiming[]): ComparedTiming[] {
  const keyOf = ({ suite, subject, contender }: NamedTiming) => JSON.stringify([suite, subject, contender]);
  const old = new Map(before.map((named) => [keyOf(named), named.timing]));
  const compared = now.flatMap((named): ComparedTiming[] => {
    const { timing } = named;
    const was = old.get(keyOf(named));
    if (!was) return [];
    const spread = [timing.p10Ms / was.p90Ms, timing.p90Ms / was.p10Ms] as const;
    return [{ ...named, ratio: timing.medianMs / was.medianMs, spread }];
  });
  return compared.sort((a, b) => b.ratio - a.ratio);
}

/** @param loss The part of the old time by which a median may grow: 0.1 for 10%. */
export function lossesBeyond(compared: readonly ComparedTiming[], loss: number): ComparedTiming[] {
  return compared.filter(({ ratio }) => ratio > 1 + loss);
}

export function reportComparison(compared: readonly ComparedTiming[], before: string): string {
  if (compared.length === 0) return `Nothing here was measured in ${before} too.`;
  const rows = compared.map(({ suite, subject, contender, ratio, spread: [least, most] }) => ({
    suite,
    subject,
    contender,
    "new / old": times(ratio),
    "by the spreads": `${times(least)} to ${times(most)}`,
  }));
  return printSections([{ title: `Compared with ${before} (medians; above 1 is slower)`, rows }]);
}
