import type { TimeSpan } from "@kiln-gpu/core";

/** Puts `spans` on the fewest lanes without an overlap: in the order of their starts, each on the first free lane. */
export function lanesOf<T extends TimeSpan>(spans: readonly T[]): T[][] {
  const lanes: T[][] = [];
  for (const span of [...spans].sort((a, b) => a.startUs - b.startUs)) {
    const free = lanes.find((lane) => lane.at(-1)!.endUs <= span.startUs);
    if (free) free.push(span);
    else lanes.push([span]);
  }
  return lanes;
}
