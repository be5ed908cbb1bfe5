/** What the subcommands share: their shape, and how they read the command line. */
import { parseArgs } from "node:util";
import { likelyName } from "@kiln-gpu/core/backend";
import { UsageError } from "./usage-error.js";

/** The folder in which a command's relative paths start, and the streams that it writes to. */
export interface Surroundings {
  readonly folder: string;
  readonly output: NodeJS.WritableStream;
  readonly errors: NodeJS.WritableStream;
}

export interface Command {
  readonly help: string;
  /**
   * @param args What follows the command's name.
   * @returns The exit code.
   * @throws {UsageError} with what is expected and what was given.
   */
  run(args: readonly string[], surroundings: Surroundings): Promise<number>;
}

/** A flag is there or not; a value may be given once; a list is given any number of times. */
export type OptionKinds = { readonly [name: string]: "flag" | "value" | "list" };

/** The options that the command line gives. */
export class GivenOptions {
  readonly paths: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(paths: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.paths = paths;
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values.has(name);
  }

  value(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The value as a whole number, `otherwise` if it is not given. */
  count(name: string, otherwise: number, least = 1): number {
    const text = this.value(name);
    if (text === undefined) return otherwise;
    const count = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(count) && count >= least) return count;
    throw new UsageError(`--${name} must be a whole number, ${least} or more; got "${text}".`);
  }

  /** Refuses paths in a command that takes none. */
  refusePaths(): void {
    const [first] = this.paths;
    if (first !== undefined) throw new UsageError(`This command takes only options; got "${first}".`);
  }
}

/** @throws {UsageError} for an option that is not among `kinds`, or that is given twice and is not a list. */
export function parseOptions(args: readonly string[], kinds: OptionKinds): GivenOptions {
  const options = Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => {
      return [name, { type: kind === "flag" ? "boolean" : "string", multiple: true } as const];
    }),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: joinValues(args, kinds), options, allowPositionals: true });
  } catch (cause) {
    const { message } = cause as Error;
    const [unknown, name] = /^Unknown option '-*([^']*)'/.exec(message) ?? [];
    const likely = name === undefined ? undefined : likelyName(name, Object.keys(options));
    throw new UsageError(likely === undefined ? message : `${unknown}. Did you mean --${likely}?`, { cause });
  }
  const values = new Map<string, readonly string[]>();
  for (const [name, given] of Object.entries(parsed.values)) {
    const all = (given as readonly (string | boolean)[]).map(String);
    if (kinds[name] !== "list" && all.length > 1) throw new UsageError(`--${name} is given ${all.length} times.`);
    values.set(name, all);
  }
  return new GivenOptions(parsed.positionals, values);
}

/** Writes `--x -1,2` as `--x=-1,2`: a value may begin with a minus sign. */
function joinValues(args: readonly string[], kinds: OptionKinds): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const name = arg.startsWith("--") ? arg.slice(2) : "";
    const takesValue = Object.hasOwn(kinds, name) && kinds[name] !== "flag";
    const next = args[i + 1];
    if (takesValue && next !== undefined && !next.startsWith("--")) {
      joined.push(`${arg}=${next}`);
      i++;
    } else {
      joined.push(arg);
    }
  }
  return joined;
}
