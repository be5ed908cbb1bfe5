import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What a process is to do. */
export interface ColdStart {
  /** When it was asked for, in milliseconds of `Date.now()`'s clock with its fractions. */
  readonly startedMs: number;
  readonly kernels: number;
  /** Whether each run is awaited before the next. */
  readonly inTurn: boolean;
  readonly adapter: string | undefined;
  readonly software: boolean;
  readonly store: false | { readonly directory: string };
  readonly warmUp: string | undefined;
}

/** How far it came, in milliseconds since it was asked for, and what it made. */
export interface ColdEnd {
  readonly loadedMs: number;
  readonly openedMs: number;
  readonly doneMs: number;
  readonly pipelines: number;
  readonly warmed: number;
  readonly programs: number;
  readonly failures: number;
}

/** Beside the command, in the build. */
const script = fileURLToPath(new URL("./cold-process.js", import.meta.url));

/** Runs a process to its end. */
export async function startCold(given: Omit<ColdStart, "startedMs">): Promise<ColdEnd> {
  const start: ColdStart = { ...given, startedMs: performance.timeOrigin + performance.now() };
  // A store that is turned off in this process is to be measured all the same.
  const env = { ...process.env, KILN_STORE: "on" };
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(start)], { env });
  return JSON.parse(stdout) as ColdEnd;
}
