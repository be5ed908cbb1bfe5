import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Elements of each array. */
  readonly sizes: readonly number[];
  /** Warm runs timed for each size; a twentieth as many one-shot runs, 3 to 10. */
  readonly iterations: number;
  readonly backends: readonly ("one-shot" | "persistent")[];
  readonly adapter: string | undefined;
  readonly software: boolean;
  /** Where the figures are written as JSON. */
  readonly json: string | undefined;
}

/** What the command line says is wrong; the command then exits with 2. */
export class UsageError extends Error {}

const defaultSizes = ["64", "1K", "4K", "16K", "64K"];

export const help = `Usage: bench [options]

Adds two arrays of f32 on the GPU, from SPIR-V, on a backend that creates and destroys everything for each
call and on one that keeps it, checks every result, and prints the report of both.

Options:
  --sizes LIST       elements, with K and M for 1024 and 1024*1024 (default: ${defaultSizes.join(",")})
  --large            adds 1M and 4M to the sizes
  --iterations N     warm calls timed for each size (default: 200)
  --backend NAME     one-shot, persistent or both (default: both)
  --adapter NAME     the GPU whose name contains NAME
  --software         the software GPU, even where there is another
  --json FILE        writes the figures to FILE
  --help             prints this`;

/** @throws {UsageError} naming the flag, what was given and what is expected. */
export function parseOptions(args: readonly string[]): BenchOptions | "help" {
  // pnpm hands on the `--` that separates its own flags from the script's.
  const { values } = parse(args.filter((arg) => arg !== "--"));
  if (values.help) return "help";
  const sizes = (values.sizes?.split(",") ?? defaultSizes).map(parseSize);
  if (values.large) sizes.push(2 ** 20, 4 * 2 ** 20);
  return {
    sizes: [...new Set(sizes)].sort((a, b) => a - b),
    iterations: parseIterations(values.iterations ?? "200"),
    backends: parseBackend(values.backend ?? "both"),
    adapter: values.adapter,
    software: values.software ?? false,
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        sizes: { type: "string" },
        large: { type: "boolean" },
        iterations: { type: "string" },
        backend: { type: "string" },
        adapter: { type: "string" },
        software: { type: "boolean" },
        json: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function parseSize(text: string): number {
  const match = /^(\d+)([km]?)$/i.exec(text.trim());
  const unit = { "": 1, k: 2 ** 10, m: 2 ** 20 }[match?.[2]?.toLowerCase() ?? ""] ?? 1;
  const size = match ? Number(match[1]) * unit : 0;
  if (size < 1 || size > 2 ** 28) {
    throw new UsageError(`--sizes takes numbers from 1 to 256M such as 64,1K,4M; "${text}" is given.`);
  }
  return size;
}

function parseIterations(text: string): number {
  const iterations = Number(text);
  if (!Number.isInteger(iterations) || iterations < 1 || iterations > 1_000_000) {
    throw new UsageError(`--iterations takes a whole number from 1 to 1000000; "${text}" is given.`);
  }
  return iterations;
}

function parseBackend(text: string): BenchOptions["backends"] {
  if (text === "both") return ["one-shot", "persistent"];
  if (text === "one-shot" || text === "persistent") return [text];
  throw new UsageError(`--backend takes one-shot, persistent or both; "${text}" is given.`);
}

/** `65536` as `64K`. */
export function formatSize(size: number): string {
  if (size % 2 ** 20 === 0) return `${size / 2 ** 20}M`;
  return size % 2 ** 10 === 0 ? `${size / 2 ** 10}K` : String(size);
}
