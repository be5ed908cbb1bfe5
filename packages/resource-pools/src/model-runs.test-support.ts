import fc from "fast-check";

/** KILN_LONG=1 plays ten times as many sequences of commands. */
const isLong = process.env.KILN_LONG === "1";
const numRuns = isLong ? 100_000 : 10_000;

export const modelTimeoutMs = isLong ? 20 * 60_000 : 60_000;

/** Plays random sequences of commands on fresh states, then `finish`. Prints the seed, which KILN_SEED sets. */
export async function playModel<Model extends object, Real>(
  name: string,
  kinds: fc.Arbitrary<fc.AsyncCommand<Model, Real>>[],
  setup: () => { model: Model; real: Real },
  finish: (model: Model, real: Real) => Promise<void>,
): Promise<void> {
  const seed = Number(process.env.KILN_SEED ?? Date.now() % 2 ** 31);
  console.info(`The model of ${name}: ${numRuns} sequences, KILN_SEED=${seed}`);
  const commands = fc.commands(kinds, { maxCommands: 40, size: "max" });
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const state = setup();
      await fc.asyncModelRun(() => state, list);
      await finish(state.model, state.real);
    }),
    { numRuns, seed },
  );
}
