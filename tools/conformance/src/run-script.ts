import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** Scripts resolve packages as this one does: their built output, since plain Node knows of no sources. */
const folder = fileURLToPath(new URL("..", import.meta.url));

export interface Exit {
  readonly code: number | string | null;
  /** A hang shows as the signal that ends it, a crash of the native part as its own. */
  readonly signal: string | null;
  /** Of both streams, standard output first. */
  readonly output: string;
}

export interface ScriptOptions {
  /** Node's own. */
  readonly flags?: readonly string[];
  readonly timeoutMs?: number;
}

/** Runs `code` as a module in a Node process of its own, with the built packages at hand. */
export function runScript(code: string, { flags = [], timeoutMs = 50_000 }: ScriptOptions = {}): Promise<Exit> {
  const args = [...flags, "--input-type=module", "--eval", code];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, timeout: timeoutMs }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, signal: error?.signal ?? null, output: stdout + stderr });
    });
  });
}

export async function expectExit(exit: Promise<Exit>, code: number, output: string): Promise<void> {
  expect(await exit).toEqual({ code, signal: null, output });
}
