import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What a process has to do. */
export interface ColdStart {
  /** When its start was requested, in milliseconds on the clock of `Date.now()`, with fractions. */
  readonly startedMs: number;
  readonly kernels: number;
  /** Whether to await each run before the next. */
  readonly inTurn: boolean;
  readonly adapter: string | undefined;
  readonly software: boolean;
  readonly store: false | { readonly directory: string };
  readonly warmUp: string | undefined;
}

/** When it reached each step, in milliseconds since its start was requested, and what it created. */
export interface ColdEnd {
  readonly loadedMs: number;
  readonly openedMs: number;
  readonly doneMs: number;
  readonly pipelines: number;
  readonly warmed: number;
  readonly programs: number;
  readonly failures: number;
}

/** In the build, beside the command. */
const script = fileURLToPath(new URL("./cold-process.js", import.meta.url));

/** Runs a process to its end. */
export async function startCold(given: Omit<ColdStart, "startedMs">): Promise<ColdEnd> {
  const start: ColdStart = { ...given, startedMs: performance.timeOrigin + performance.now() };
  // The environment of this process may turn the store off; the child has to use it.
  const env = { ...process.env, KILN_STORE: "on" };
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(start)], { env });
  return JSON.parse(stdout) as ColdEnd;
}
