import { EntryStore } from "./entry-store.js";
import type { Store } from "./store.js";
import type { StoreBackend } from "./store-backend.js";
import { StoreDatabase } from "./store-database.js";
import { cacheDirectory } from "./store-directory.js";
import { StoreFolder } from "./store-folder.js";

export interface StoreOptions {
  /**
   * The folder, made when it is first written; by default `KILN_STORE_DIRECTORY`, or else the platform's cache folder. In a browser the
   * name of the IndexedDB, by default "kiln-store".
   */
  readonly directory?: string;
  /** What the entries take on disk at most, 64 MiB by default; one entry takes at most an eighth of it. */
  readonly maxBytes?: number;
  /** `false` for a store that keeps nothing, as the environment variable `KILN_STORE=off` (or `0`, or `false`) also makes it. */
  readonly isEnabled?: boolean;
}

/**
 * Opens the store, which touches no disk until something is read or written, and needs no closing: a folder in Node, an IndexedDB in a
 * browser. Never throws: without a place to be it keeps nothing and counts a failure.
 */
export function openStore({ directory, maxBytes = 64 * 1024 * 1024, isEnabled = true }: StoreOptions = {}): Store {
  return new EntryStore(() => (isEnabled ? openBackend(directory) : undefined), { maxBytes });
}

/** Where the entries stand, or `undefined` where there is no such place. */
function openBackend(given: string | undefined): StoreBackend | undefined {
  const { process } = globalThis;
  if (!process?.getBuiltinModule) {
    // A page may be forbidden even to ask for it; that throws.
    const { indexedDB } = globalThis as { readonly indexedDB?: IDBFactory };
    return indexedDB && new StoreDatabase(indexedDB, given || "kiln-store");
  }
  if (["off", "0", "false"].includes(process.env.KILN_STORE ?? "")) return undefined;
  // Not `import("node:fs")`: a page's bundler would look for that module, and some stop when they do not find it.
  const fs = process.getBuiltinModule("node:fs/promises");
  const path = process.getBuiltinModule("node:path");
  const { homedir } = process.getBuiltinModule("node:os");
  const { platform, env: environment } = process;
  const directory =
    given || environment.KILN_STORE_DIRECTORY || cacheDirectory({ platform, environment, homedir, path });
  return new StoreFolder(path.resolve(directory), { fs, path, userId: process.geteuid?.() });
}
