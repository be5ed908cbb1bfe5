import { expect, it } from "vitest";
import { svgOf } from "./plot.js";

it("draws each line from left to right, with the largest value at the top", () => {
  const svg = svgOf(
    [0, 5, 10],
    [
      {
        title: "Memory, MiB",
        lines: [
          { name: "heap", values: [0, 4, 8] },
          { name: "external", values: [2, 2, 2] },
        ],
      },
    ],
  );
  expect([...svg.matchAll(/points="([^"]*)"/g)].map((match) => match[1])).toEqual([
    "70.0,156.0 475.0,93.0 880.0,30.0",
    "70.0,124.5 475.0,124.5 880.0,124.5",
  ]);
  expect(svg).toContain(">Memory, MiB<");
});

it("draws no line without values", () => {
  expect(svgOf([], [{ title: "Nothing", lines: [{ name: "none", values: [] }] }])).not.toMatch(/NaN|Infinity/);
});
