import { fileURLToPath } from "node:url";
import { runNode } from "@kiln-gpu/processes";
import { expect } from "vitest";

/** Scripts resolve packages as this one does: their built output, since plain Node knows of no sources. */
const folder = fileURLToPath(new URL("..", import.meta.url));

export interface Exit {
  readonly code: number | null;
  /** A hang shows as the signal that ends it, a crash of the native part as its own. */
  readonly signal: string | null;
  /** What the script says on both streams, standard output first. */
  readonly output: string;
  /** All that comes on standard error: what drivers print, and the error that ends the script. */
  readonly stderr: string;
}

export interface ScriptOptions {
  /** Node's own. */
  readonly flags?: readonly string[];
  readonly timeoutMs?: number;
}

/** Runs `code` as a module in a Node process of its own, with the built packages at hand. */
export async function runScript(code: string, { flags = [], timeoutMs = 150_000 }: ScriptOptions = {}): Promise<Exit> {
  const args = [...flags, "--input-type=module", "--eval", code];
  const { status, signal, stdout, words, stderr } = await runNode(args, { cwd: folder, timeoutMs });
  return { code: status, signal, output: stdout + words, stderr };
}

export async function expectExit(exit: Promise<Exit>, code: number, output: string): Promise<void> {
  const { stderr, ...end } = await exit;
  expect(end, stderr).toEqual({ code, signal: null, output });
}
