import fc from "fast-check";
import { expect, it } from "vitest";
import { anyCommands } from "./backend-commands.js";
import { Trial, type TrialSettings } from "./backend-trial.js";

const isLong = process.env.KILN_LONG === "1";
const sequences = Number(process.env.N ?? (isLong ? 5000 : 200));

const settings: fc.Arbitrary<TrialSettings> = fc.record({
  mode: fc.constantFrom("throughput", "latency"),
  lossRetries: fc.nat({ max: 2 }),
  byteBudget: fc.constantFrom(2 ** 17, 2 ** 28),
  maxSubmissions: fc.integer({ min: 1, max: 3 }),
  maxIdleMs: fc.constantFrom(5, 30_000),
  isPoisoned: fc.boolean(),
  length: fc.integer({ min: 1, max: 300 }),
});

it(
  "settles every call as the model predicts, for runs, aborts, losses, trims and disposals in any order",
  async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", onUnhandled);
    try {
      await fc.assert(
        fc.asyncProperty(settings, anyCommands, async (given, commands) => {
          const trial = await Trial.open(given);
          try {
            await fc.asyncModelRun(() => ({ model: trial, real: trial }), commands);
            await trial.end();
          } finally {
            trial.dispose();
          }
          // Unhandled rejections are reported after a turn of the event loop.
          await new Promise((resolve) => setTimeout(resolve, 0));
          expect(unhandled).toEqual([]);
        }),
        { numRuns: sequences, endOnFailure: true, verbose: fc.VerbosityLevel.None },
      );
    } finally {
      process.off("unhandledRejection", onUnhandled);
    }
  },
  isLong ? 3_600_000 : 600_000,
);
