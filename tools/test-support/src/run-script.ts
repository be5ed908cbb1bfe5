import { runNode } from "@kiln-gpu/processes";
import { expect } from "vitest";

export interface Exit {
  readonly code: number | null;
  /** The signal that ended the process: a hang ends by the timeout's, a crash of native code by its own. */
  readonly signal: string | null;
  /** What the script writes to both streams, standard output first. */
  readonly output: string;
  /** All of standard error, with what drivers print and the error that ends the script. */
  readonly stderr: string;
}

export interface ScriptOptions {
  /** The script's imports are resolved as those of a module in this folder: `import.meta.dirname`. */
  readonly from: string;
  /** Node's own flags. */
  readonly flags?: readonly string[];
  readonly timeoutMs?: number;
}

/**
 * A script may end with a backend that it has not disposed. Whether the garbage collector finds that backend first, and
 * its drop is reported, is not what these tests ask; in production nothing is reported.
 */
const quiet = 'process.env.NODE_ENV = "production";\n';

/**
 * Runs `code` as a module in its own Node process. Plain Node resolves packages to their built output, never to their
 * sources.
 */
export async function runScript(code: string, { from, flags = [], timeoutMs = 150_000 }: ScriptOptions): Promise<Exit> {
  const args = [...flags, "--input-type=module", "--eval", quiet + code];
  const { status, signal, stdout, words, stderr } = await runNode(args, { cwd: from, timeoutMs });
  return { code: status, signal, output: stdout + words, stderr };
}

export async function expectExit(exit: Promise<Exit>, code: number, output: string): Promise<void> {
  const { stderr, ...end } = await exit;
  expect(end, stderr).toEqual({ code, signal: null, output });
}
