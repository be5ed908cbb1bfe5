import { parseArgs } from "node:util";

export interface SoakOptions {
  readonly minutes: number;
  readonly lossesPerMinute: number;
  readonly cancellationsPerSecond: number;
  /** Between samples. */
  readonly everySeconds: number;
  readonly adapter: string | undefined;
  readonly software: boolean;
  readonly json: string | undefined;
  readonly svg: string | undefined;
}

/** What the command line says is wrong; the command then exits with 2. */
export class UsageError extends Error {}

export const help = `Usage: soak [options]

Works the persistent backend with mixed kernels and sizes, with devices that are lost and runs that are cancelled at random
moments, checks every result, and sees whether memory, handles or latency drift. It exits with 0 only where all is well.

Options:
  --minutes N                     how long (default: 30)
  --losses-per-minute N           devices that are destroyed at work (default: 45)
  --cancellations-per-second N    runs that are aborted before they end (default: 70)
  --every N                       seconds between samples (default: 10)
  --json FILE                     writes the samples and the verdict to FILE
  --svg FILE                      draws the samples into FILE
  --adapter NAME                  the GPU whose name contains NAME
  --software                      the software GPU, even where there is another
  --help                          prints this`;

/** @throws {UsageError} naming the flag, what was given and what is expected. */
export function parseOptions(args: readonly string[]): SoakOptions | "help" {
  // pnpm hands on the `--` that separates its own flags from the script's.
  const { values } = parse(args.filter((arg) => arg !== "--"));
  if (values.help) return "help";
  const amount = (name: "minutes" | "losses-per-minute" | "cancellations-per-second" | "every", least: number) => {
    const given = Number(values[name]);
    if (given >= least && given <= 1e6) return given;
    throw new UsageError(`--${name} takes a number, ${least} to 1000000; "${values[name]}" is given.`);
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
