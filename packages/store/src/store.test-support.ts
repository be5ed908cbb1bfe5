import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { beforeEach, onTestFinished, vi } from "vitest";
import type { StoreStats } from "./store.js";
import { entryAddress, entryIdentity } from "./store-entry.js";

// The environment of the tests may turn the store off, or move it.
beforeEach(() => {
  vi.stubEnv("KILN_STORE", undefined);
  vi.stubEnv("KILN_STORE_DIRECTORY", undefined);
});

/** A folder that is removed with the test. A store gets a folder of its own in it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kiln-store-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The path of an entry's file in `directory`. */
export async function entryPath(directory: string, namespace: string, key: string): Promise<string> {
  return join(directory, `${await entryAddress(entryIdentity(namespace, key))}.entry`);
}

export interface ScriptOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** A numeric user ID; only root may choose one. */
  readonly userId?: number | undefined;
  /** The size limit of files that the script writes, in blocks of 512 bytes. */
  readonly maxFileBlocks?: number;
}

/**
 * Runs `code`, with `store` open, in a Node process with an empty environment. Resolves with what it gave to `report`.
 */
export function runWithStore(
  code: string,
  options: ScriptOptions = {},
): Promise<{ stats: StoreStats; reported: unknown }> {
  const { environment = {}, userId, maxFileBlocks = "unlimited" } = options;
  const script = `
    import { openStore } from "./open-store.js";
    const store = openStore();
    let reported;
    const report = (value) => { reported = value; };
    ${code}
    console.log(JSON.stringify({ stats: store.stats(), reported }));
  `;
  const command = `ulimit -f ${maxFileBlocks}; exec "$0" --input-type=module --eval "$1"`;
  const child = spawn("/bin/sh", ["-c", command, process.execPath, script], {
    cwd: plainScripts(),
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    ...(userId === undefined ? {} : { uid: userId, gid: userId }),
  });
  const output: string[] = [];
  const errors: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(String(chunk)));
  child.stderr.on("data", (chunk: Buffer) => errors.push(String(chunk)));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(JSON.parse(output.join("")) as { stats: StoreStats; reported: unknown });
      else reject(new Error(`The script ended with ${status}:\n${errors.join("")}`));
    });
  });
}

/** This package's sources as JavaScript: Node 20 runs no TypeScript, and the build may be out of date. */
function plainScripts(): string {
  const folder = temporaryFolder();
  // Scripts of other users read it.
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const sources = fileURLToPath(new URL(".", import.meta.url));
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  for (const name of readdirSync(sources).filter((name) => /^[a-z0-9-]+\.ts$/.test(name))) {
    const { outputText } = ts.transpileModule(readFileSync(join(sources, name), "utf8"), { compilerOptions });
    writeFileSync(join(folder, name.replace(/\.ts$/, ".js")), outputText);
  }
  return folder;
}
