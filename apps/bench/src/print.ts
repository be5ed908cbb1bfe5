/** Prints reports as text. */
import { Table } from "console-table-printer";
import type { Row, Section } from "./section.js";

export function printSections(sections: readonly Section[]): string {
  return sections
    .map((section) => ("rows" in section ? `${section.title}\n${table(section.rows)}` : section.text))
    .join("\n\n");
}

/** A table with a column for each name of the first row: the first is left-aligned, the others right-aligned. */
function table(rows: readonly Row[]): string {
  const names = Object.keys(rows[0]!);
  const printed = new Table({
    columns: names.map((name, i) => ({ name, alignment: i === 0 ? "left" : "right" })),
    shouldDisableColors: true,
  });
  printed.addRows([...rows]);
  return printed.render();
}
