import { parseArgs } from "node:util";

export interface SoakOptions {
  readonly minutes: number;
  readonly lossesPerMinute: number;
  readonly cancellationsPerSecond: number;
  /** Seconds between samples. */
  readonly everySeconds: number;
  readonly adapter: string | undefined;
  readonly software: boolean;
  readonly json: string | undefined;
  readonly svg: string | undefined;
}

/** An error in the command line; the command exits with 2. */
export class UsageError extends Error {}

export const help = `Usage: soak [options]

Runs mixed kernels and sizes on the persistent backend, while devices are lost and runs are cancelled at random
moments. Checks every result, and whether memory, handles or latency drift. Exits with 0 only if nothing is wrong.

Options:
  --minutes N                     how long (default: 30)
  --losses-per-minute N           devices that are destroyed while they work (default: 45)
  --cancellations-per-second N    runs that are aborted before they end (default: 70)
  --every N                       seconds between samples (default: 10)
  --json FILE                     writes the samples and the verdict to FILE
  --svg FILE                      draws the samples into FILE
  --adapter NAME                  the GPU whose name contains NAME
  --software                      the software GPU, even if there is another GPU
  --help                          prints this help`;

/** @throws {UsageError} with the flag, what is expected and what was given. */
export function parseOptions(args: readonly string[]): SoakOptions | "help" {
  // pnpm passes on the `--` that separates its own flags from those of the script.
  const { values } = parse(args.filter((arg) => arg !== "--"));
  if (values.help) return "help";
  const amount = (name: "minutes" | "losses-per-minute" | "cancellations-per-second" | "every", least: number) => {
    const given = Number(values[name]);
    if (given >= least && given <= 1e6) return given;
    throw new UsageError(`--${name} must be a number from ${least} to 1000000; got "${values[name]}".`);
  };
  return {
    minutes: amount("minutes", 0.01),
    lossesPerMinute: amount("losses-per-minute", 0),
    cancellationsPerSecond: amount("cancellations-per-second", 0),
    everySeconds: amount("every", 0.1),
    adapter: values.adapter,
    software: values.software,
    json: values.json,
    svg: values.svg,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        minutes: { type: "string", default: "30" },
        "losses-per-minute": { type: "string", default: "45" },
        "cancellations-per-second": { type: "string", default: "70" },
        every: { type: "string", default: "10" },
        adapter: { type: "string" },
        software: { type: "boolean", default: false },
        json: { type: "string" },
        svg: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}
