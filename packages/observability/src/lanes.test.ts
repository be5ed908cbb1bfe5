import fc from "fast-check";
import { expect, test } from "vitest";
import { lanesOf } from "./lanes.js";

const spans = fc.array(
  fc.tuple(fc.nat(100), fc.nat(20)).map(([startUs, us]) => ({ startUs, endUs: startUs + us })),
  { maxLength: 40 },
);

test("puts every span on one lane, in order and without an overlap, and opens no needless lane", () => {
  fc.assert(
    fc.property(spans, (given) => {
      const lanes = lanesOf(given);
      expect(new Set(lanes.flat())).toEqual(new Set(given));
      expect(lanes.flat()).toHaveLength(given.length);
      for (const lane of lanes) {
        for (let i = 1; i < lane.length; i += 1) expect(lane[i - 1]!.endUs).toBeLessThanOrEqual(lane[i]!.startUs);
      }
      // As many lanes as there are spans at the busiest start, including spans that start and end at that time.
      const busiest = Math.max(
        0,
        ...given.map(
          ({ startUs: at }) => given.filter((s) => s.startUs <= at && (s.endUs > at || s.startUs === at)).length,
        ),
      );
      expect(lanes.length).toBeLessThanOrEqual(busiest);
    }),
  );
});
