/** A store folder for each test, and its entries. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";

export interface StoreEntry {
  readonly path: string;
  readonly namespace: string;
  readonly key: string | readonly string[];
}

/** Gives each test that follows its own folder, and deletes it after the test. */
export function useStoreFolder(): () => string {
  let directory = "";
  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), "kiln-store-")), "store");
    vi.stubEnv("KILN_STORE", undefined);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(join(directory, ".."), { recursive: true });
  });
  return () => directory;
}

export function entriesOf(directory: string, namespace: string): StoreEntry[] {
  const entries = readdirSync(directory).map((name) => {
    const path = join(directory, name);
    const [, identity] = readFileSync(path, "utf8").split("\n");
    const [, found, key] = JSON.parse(identity!) as [string, string, StoreEntry["key"]];
    return { path, namespace: found, key };
  });
  return entries.filter((entry) => entry.namespace === namespace);
}
