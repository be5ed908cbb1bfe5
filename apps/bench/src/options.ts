import { parseArgs } from "node:util";
import { formatSize } from "./format.js";
import type { BackendName, Suite } from "./suite.js";
import { suites } from "./suites.js";

export interface BenchOptions {
  /** In the order in which they run. */
  readonly suites: readonly Suite[];
  /** Elements of each array; by default each suite has its own sizes. */
  readonly sizes: readonly number[] | undefined;
  /** Whether to add 1M and 4M to the sizes. */
  readonly large: boolean;
  /** How often a suite repeats its timed work; by default each suite has its own number. */
  readonly iterations: number | undefined;
  readonly backends: readonly BackendName[];
  readonly adapter: string | undefined;
  readonly software: boolean;
  /** The file to write the figures to, as JSON. */
  readonly json: string | undefined;
  /** The file to write the report to, as one HTML page. */
  readonly html: string | undefined;
  /** The JSON of an earlier run to compare with. */
  readonly compare: string | undefined;
  /** The part of its old time by which a median may grow before the command fails. */
  readonly failBeyond: number | undefined;
}

/** An error in the command line; the command exits with 2. */
export class UsageError extends Error {}

const names = suites.map(({ name }) => name);
const [defaultSuite] = suites;

export const help = `Usage: bench [options]

Measures what a call costs, checks every result, and prints a report. By default it adds two arrays of f32 on the
GPU, from SPIR-V, on a backend that creates and destroys everything for each call and on one that keeps everything.

Options:
  --suite LIST       suites to run, or all (default: ${defaultSuite.name})
  --sizes LIST       elements, with K and M for 1024 and 1024*1024 (default: the suite's own)
  --large            adds 1M and 4M to the sizes
  --iterations N     how often the timed work is repeated (default: the suite's own)
  --backend NAME     one-shot, persistent or both, for the comparison (default: both)
  --adapter NAME     the GPU whose name contains NAME
  --software         the software GPU, even if there is another GPU
  --json FILE        writes the figures to FILE
  --html FILE        writes charts, tables, the machine and versions to FILE, a page that needs no other file
  --compare FILE     also prints each median in units of that in FILE, the --json of an earlier run
  --fail-beyond N%   with --compare: exits with 1 if a median has grown by more than N%
  --help             prints this help

Suites, with their default sizes and iterations:
${suites.map(describeSuite).join("\n")}`;

function describeSuite({ name, description, defaultSizes, defaultIterations, iterationsAre }: Suite): string {
  return `  ${name.padEnd(18)} ${description}
                     --sizes ${defaultSizes.map(formatSize).join(",")}
                     --iterations ${defaultIterations}: ${iterationsAre}`;
}

/** @throws {UsageError} with the flag, what is expected and what was given. */
export function parseOptions(args: readonly string[]): BenchOptions | "help" {
  // pnpm passes on the `--` that separates its own flags from those of the script.
  const { values } = parse(args.filter((arg) => arg !== "--"));
  if (values.help) return "help";
  if (values["fail-beyond"] !== undefined && values.compare === undefined) {
    throw new UsageError("--fail-beyond needs --compare, the file of the earlier run; got none.");
  }
  return {
    suites: parseSuites(values.suite ?? defaultSuite.name),
    sizes: values.sizes?.split(",").map(parseSize),
    large: values.large ?? false,
    iterations: values.iterations === undefined ? undefined : parseIterations(values.iterations),
    backends: parseBackend(values.backend ?? "both"),
    adapter: values.adapter,
    software: values.software ?? false,
    json: values.json,
    html: values.html,
    compare: values.compare,
    failBeyond: values["fail-beyond"] === undefined ? undefined : parsePercent(values["fail-beyond"]),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        suite: { type: "string" },
        sizes: { type: "string" },
        large: { type: "boolean" },
        iterations: { type: "string" },
        backend: { type: "string" },
        adapter: { type: "string" },
        software: { type: "boolean" },
        json: { type: "string" },
        html: { type: "string" },
        compare: { type: "string" },
        "fail-beyond": { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function parseSuites(text: string): Suite[] {
  if (text === "all") return [...suites];
  return [...new Set(text.split(","))].map((given) => {
    const suite = suites.find(({ name }) => name === given);
    if (suite) return suite;
    throw new UsageError(`--suite must be "all" or a list of ${names.join(",")}; got "${given}".`);
  });
}

function parseSize(text: string): number {
  const match = /^(\d+)([km]?)$/i.exec(text.trim());
  const unit = { "": 1, k: 2 ** 10, m: 2 ** 20 }[match?.[2]?.toLowerCase() ?? ""] ?? 1;
  const size = match ? Number(match[1]) * unit : 0;
  if (size < 1 || size > 2 ** 28) {
    throw new UsageError(`--sizes must be a list of numbers from 1 to 256M, such as 64,1K,4M; got "${text}".`);
  }
  return size;
}

function parseIterations(text: string): number {
  const iterations = Number(text);
  if (!Number.isInteger(iterations) || iterations < 1 || iterations > 1_000_000) {
    throw new UsageError(`--iterations must be a whole number from 1 to 1000000; got "${text}".`);
  }
  return iterations;
}

function parsePercent(text: string): number {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text);
  if (match) return Number(match[1]) / 100;
  throw new UsageError(`--fail-beyond must be a percentage, such as 10%; got "${text}".`);
}

function parseBackend(text: string): BenchOptions["backends"] {
  if (text === "both") return ["one-shot", "persistent"];
  if (text === "one-shot" || text === "persistent") return [text];
  throw new UsageError(`--backend must be one-shot, persistent or both; got "${text}".`);
}
