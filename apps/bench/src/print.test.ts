import { expect, test } from "vitest";
import { printSections } from "./print.js";

test("a table has its title, a head with the names of its columns, and a line for each row", () => {
  const rows = [
    { elements: "64", median: "1 ms" },
    { elements: "1K", median: "20 ms" },
  ];
  const lines = printSections([{ title: "Times", rows }]).split("\n");
  expect(lines[0]).toBe("Times");
  expect(lines.filter((line) => line.startsWith("│"))).toEqual([
    "│ elements │ median │",
    "│ 64       │   1 ms │",
    "│ 1K       │  20 ms │",
  ]);
});

test("an empty line parts the sections", () => {
  expect(printSections([{ text: "one" }, { text: "two\nthree" }])).toBe("one\n\ntwo\nthree");
});
