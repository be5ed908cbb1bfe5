import { expect, it } from "vitest";
import { compareTimings, lossesBeyond, reportComparison } from "./compare.js";
import { htmlReport } from "./html-report.js";
import { timingOf } from "./statistics.js";
import { timingsOf } from "./timings.js";

/** Figures in the forms that suites have them. */
const figuresOf = (factor: number) => ({
  comparison: {
    figures: [64, 1024].map((size) => ({
      size,
      oneShot: undefined,
      persistent: { initMs: 5, warm: timingOf([1, 2, 3].map((ms) => ms * factor)), stats: { made: 1 } },
    })),
    targets: [{ name: "a target", isMet: true }],
  },
  transfer: [{ size: 64, way: "<into>", inPlace: timingOf([4]) }],
});

it("finds the timings of each suite, with what they are of", () => {
  const named = timingsOf(figuresOf(1)).map(({ suite, subject, contender, timing }) => {
    return [suite, subject, contender, timing.medianMs];
  });
  expect(named).toEqual([
    ["comparison", "size 64", "persistent, warm", 2],
    ["comparison", "size 1024", "persistent, warm", 2],
    ["transfer", "size 64", "<into>, in place", 4],
  ]);
  expect(timingsOf(JSON.parse(JSON.stringify(figuresOf(1))))).toEqual(timingsOf(figuresOf(1)));
});

it("gives ratios with their spread, the greatest loss first", () => {
  const compared = compareTimings(timingsOf(figuresOf(1.5)), timingsOf(figuresOf(1)));
  expect(compared.map(({ ratio }) => ratio)).toEqual([1.5, 1.5, 1]);
  const [{ spread }] = compared as [(typeof compared)[number]];
  expect(spread[0]).toBeCloseTo((1.5 * 1.2) / 2.8);
  expect(spread[1]).toBeCloseTo((1.5 * 2.8) / 1.2);
  expect(lossesBeyond(compared, 0.4)).toHaveLength(2);
  expect(lossesBeyond(compared, 0.5)).toEqual([]);
  expect(reportComparison(compared, "old.json")).toContain("1.50x");
  expect(reportComparison([], "old.json")).toBe("Nothing here was measured in old.json too.");
});

it("writes one page that needs no other file", () => {
  const page = htmlReport({
    head: "Adapter  A <GPU>",
    versions: { Node: "20.20.2" },
    reports: { comparison: "a table", transfer: "another" },
    timings: timingsOf(figuresOf(1)),
    comparison: "1.50x",
  });
  expect(page).toContain("Adapter  A &#60;GPU&#62;");
  expect(page).not.toContain("<into>");
  expect(page.match(/<svg /g)).toHaveLength(2);
  expect(page.match(/<polyline /g)).toHaveLength(2);
  expect(page).toContain("1.50x");
  expect(page).not.toMatch(/NaN|Infinity|undefined|<script|src=|href=|url\(/);
});

it("draws one chart for each size if more than the size changes", () => {
  const throughput = [64, 1024].flatMap((size) => {
    return [1, 16].map((inFlight) => ({ size, inFlight, perRun: { kiln: timingOf([1]), slots: timingOf([2]) } }));
  });
  const page = htmlReport({
    head: "",
    versions: {},
    reports: { throughput: "a table" },
    timings: timingsOf({ throughput }),
  });
  expect(page.match(/<h3>[^<]*/g)).toEqual(["<h3>size 64", "<h3>size 1024"]);
  expect(page.match(/<polyline /g)).toHaveLength(4);
  expect(page).toContain(">in flight 16</text>");
});
