import type { TimeSpan } from "@kiln-gpu/core";

/** `spans` on as few lanes as hold them without an overlap: each, by its start, on the first lane that is free. */
export function lanesOf<T extends TimeSpan>(spans: readonly T[]): T[][] {
  const lanes: T[][] = [];
  for (const span of [...spans].sort((a, b) => a.startUs - b.startUs)) {
    const free = lanes.find((lane) => lane.at(-1)!.endUs <= span.startUs);
    if (free) free.push(span);
    else lanes.push([span]);
  }
  return lanes;
}
