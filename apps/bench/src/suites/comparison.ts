import { measureOneShot, measurePersistent } from "../comparison/measure.js";
import { type SizeFigures, sectionsOf, type Target, targetsOf } from "../comparison/report.js";
import { formatSize } from "../format.js";
import { countSteps, type Suite } from "../suite.js";

export interface ComparisonFigures {
  readonly figures: readonly SizeFigures[];
  readonly targets: readonly Target[];
}

export const comparison: Suite<ComparisonFigures> = {
  name: "comparison",
  description: "one-shot against persistent: the report that Kiln re-creates, with its targets",
  kernel: "field add (c = a + b, f32) from SPIR-V",
  defaultSizes: [64, 2 ** 10, 2 ** 12, 2 ** 14, 2 ** 16],
  defaultIterations: 200,
  iterationsAre: "warm calls for each size, and a twentieth as many one-shot calls, 3 to 10",

  async measure(context) {
    const { open, sizes, iterations, backends } = context;
    const step = countSteps(context, sizes.length * backends.length);
    const oneShotCount = Math.min(Math.max(Math.round(iterations / 20), 3), 10);
    const figures: SizeFigures[] = [];
    for (const size of sizes) {
      const at = `at ${formatSize(size)} elements`;
      let oneShot: SizeFigures["oneShot"];
      if (backends.includes("one-shot")) {
        step(`one-shot ${at}, ${oneShotCount} calls`, size);
        oneShot = await measureOneShot(open, size, oneShotCount, context);
      }
      let persistent: SizeFigures["persistent"];
      if (backends.includes("persistent")) {
        // From 1M elements on, calls take so long that fewer are enough.
        const count = size >= 2 ** 20 ? Math.min(iterations, 50) : iterations;
        step(`persistent ${at}, ${count} calls`, size);
        persistent = await measurePersistent(open, size, count, context);
      }
      figures.push({ size, oneShot, persistent });
    }
    return { figures, targets: targetsOf(figures) };
  },

  sections({ figures, targets }) {
    return sectionsOf(figures, targets);
  },
};
