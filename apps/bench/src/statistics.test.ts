import fc from "fast-check";
import { expect, test } from "vitest";
import { scaled, timingOf } from "./statistics.js";

test.each<[readonly number[], [p10: number, median: number, p90: number]]>([
  [[7], [7, 7, 7]],
  [
    [1, 2],
    [1.1, 1.5, 1.9],
  ],
  [
    [1, 2, 3],
    [1.2, 2, 2.8],
  ],
  [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    [1, 5, 9],
  ],
  // Type 7 of Hyndman and Fan, as `quantile(c(3, 5, 8, 100), c(.1, .5, .9))` of R gives it.
  [
    [3, 5, 8, 100],
    [3.6, 6.5, 72.4],
  ],
])("the quantiles of %j", (samples, [p10, median, p90]) => {
  const timing = timingOf(samples);
  expect(timing.p10Ms).toBeCloseTo(p10, 12);
  expect(timing.medianMs).toBeCloseTo(median, 12);
  expect(timing.p90Ms).toBeCloseTo(p90, 12);
});

test("sorts samples as numbers, and does not change the array", () => {
  const samples = [10, 9, 100];
  expect(timingOf(samples)).toMatchObject({ count: 3, medianMs: 10 });
  expect(timingOf(samples).meanMs).toBeCloseTo(119 / 3, 12);
  expect(samples).toEqual([10, 9, 100]);
});

test("does not depend on the order, and lies between the least and the greatest sample", () => {
  const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(samples, (given) => {
      const { count, p10Ms, medianMs, p90Ms } = timingOf(given);
      const inOrder = [Math.min(...given), p10Ms, medianMs, p90Ms, Math.max(...given)];
      for (let i = 1; i < inOrder.length; i += 1) {
        expect(inOrder[i]! - inOrder[i - 1]!).toBeGreaterThanOrEqual(-1e-9);
      }
      expect(count).toBe(given.length);
      const reversed = timingOf([...given].reverse());
      expect([reversed.p10Ms, reversed.medianMs, reversed.p90Ms]).toEqual([p10Ms, medianMs, p90Ms]);
    }),
  );
});

test("a fraction of each call has that fraction of every time, and the same number of samples", () => {
  const timing = timingOf([2, 4, 6, 9]);
  expect(scaled(timing, 0.5)).toEqual(timingOf([1, 2, 3, 4.5]));
  expect(timing.medianMs).toBe(5);
});
