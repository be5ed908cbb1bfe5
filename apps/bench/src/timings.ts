/** Finds the timings in the figures of any suite, each with what it is the time of. */
import type { Timing } from "./statistics.js";

export interface NamedTiming {
  readonly suite: string;
  /** What was measured: `size 64, in flight 4`. */
  readonly subject: string;
  /** Whose time it is: `persistent, warm`. */
  readonly contender: string;
  readonly timing: Timing;
}

/** @param figures What the suites have measured, by their names. */
export function timingsOf(figures: Readonly<Record<string, unknown>>): NamedTiming[] {
  return Object.entries(figures).flatMap(([suite, measured]) => {
    const found: NamedTiming[] = [];
    search(measured, suite, [], [], found);
    return found;
  });
}

function search(value: unknown, suite: string, subject: string[], contender: string[], found: NamedTiming[]): void {
  if (typeof value !== "object" || value === null) return;
  if (isTiming(value)) {
    found.push({ suite, subject: subject.join(", "), contender: contender.join(", "), timing: value });
    return;
  }
  if (Array.isArray(value)) {
    // The plain values of a row tell it from the others: how much was measured, and of what.
    for (const row of value) {
      search(row, suite, [...subject, ...amountsIn(row)], [...contender, ...textsIn(row)], found);
    }
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    const isList = Array.isArray(member);
    search(member, suite, subject, isList ? contender : [...contender, wordsOf(name)], found);
  }
}

/** Numbers that say how much was asked for; measured amounts have a unit in their names. */
function amountsIn(row: unknown): string[] {
  const isMeasured = (name: string) => /(Ms|Ns|Bytes|Length|PerSecond|Ratio)$/.test(name);
  return Object.entries(row ?? {}).flatMap(([name, value]) =>
    Number.isInteger(value) && !isMeasured(name) ? [`${wordsOf(name)} ${value}`] : [],
  );
}

function textsIn(row: unknown): string[] {
  return typeof row === "object" ? Object.values(row ?? {}).filter((value) => typeof value === "string") : [];
}

/** `inFlight` as `in flight`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function isTiming(value: object): value is Timing {
  const { medianMs, p10Ms, p90Ms } = value as Partial<Timing>;
  return [medianMs, p10Ms, p90Ms].every((number) => typeof number === "number");
}
