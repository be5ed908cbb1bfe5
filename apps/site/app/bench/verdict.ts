import { formatSize, ms, times } from "../../../bench/src/format.js";
import type { ComparisonFigures } from "../../../bench/src/suites/comparison.js";
import type { Measured } from "./results.js";

/** What the figures say, in sentences. */
export function verdictOf({ suite, figures }: Measured): string[] {
  if (suite !== "comparison") return [];
  const { figures: rows, targets } = figures as ComparisonFigures;
  const both = rows.filter(({ oneShot, persistent }) => oneShot && persistent);
  const said: string[] = [];
  const [first] = both;
  if (first) {
    const [oneShot, warm] = [first.oneShot!.run.medianMs, first.persistent!.warm.medianMs];
    said.push(
      `At ${formatSize(first.size)} elements a warm call takes ${ms(warm)}. One that creates everything takes ${ms(oneShot)}, ${times(oneShot / warm)} as long.`,
    );
  }
  const missed = targets.filter(({ isMet }) => !isMet);
  if (targets.length > 0) {
    said.push(
      missed.length === 0
        ? `All ${targets.length} targets of the report are met.`
        : `${targets.length - missed.length} of ${targets.length} targets of the report are met; not: ${missed.map(({ name, measured }) => `${name} (${measured})`).join(", ")}.`,
    );
  }
  const measured = rows.filter(({ persistent }) => persistent);
  const beats = measured.filter(({ persistent }) => persistent!.warm.medianMs < persistent!.plainLoop.medianMs);
  if (measured.length > 0) {
    said.push(
      beats.length === 0
        ? "A plain loop is faster at every size here: adding arrays from the host is not worth a GPU."
        : `From ${formatSize(Math.min(...beats.map(({ size }) => size)))} elements on it is faster than a plain loop here.`,
    );
  }
  return said;
}
