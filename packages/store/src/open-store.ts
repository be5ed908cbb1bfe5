import { EntryStore } from "./entry-store.js";
import { openFolder } from "./open-folder.js";
import type { Store } from "./store.js";
import type { StoreBackend } from "./store-backend.js";
import { StoreDatabase } from "./store-database.js";

export interface StoreOptions {
  /**
   * The folder, created by the first write. By default `KILN_STORE_DIRECTORY`, or else the platform's cache folder. In
   * a browser this is the name of the IndexedDB, by default "kiln-store".
   */
  readonly directory?: string;
  /**
   * The most bytes that all entries take on disk. One entry takes at most an eighth of it.
   * @default 67108864
   */
  readonly maxBytes?: number;
  /**
   * `false` for a store that keeps nothing; the environment variable `KILN_STORE=off` (or `0`, or `false`) does the
   * same.
   */
  readonly isEnabled?: boolean;
}

const optionNames = ["directory", "maxBytes", "isEnabled"];

/**
 * Opens the store: a folder in Node, an IndexedDB in a browser. It touches no disk before the first read or write, and
 * needs no closing. A store that finds no folder or database throws nothing: it keeps nothing and counts a failure.
 * @throws {TypeError} For an option that does not exist: most often its name is misspelled.
 */
export function openStore(options: StoreOptions = {}): Store {
  for (const name in options) {
    if (optionNames.includes(name)) continue;
    throw new TypeError(`openStore takes no option "${name}"; its options are ${optionNames.join(", ")}.`);
  }
  const { directory, maxBytes = 64 * 1024 * 1024, isEnabled = true } = options;
  return new EntryStore(() => (isEnabled ? openBackend(directory) : undefined), { maxBytes });
}

/** Returns `undefined` where the store is turned off, or a page has no IndexedDB. */
function openBackend(given: string | undefined): StoreBackend | undefined {
  if (typeof globalThis.process?.getBuiltinModule === "function") return openFolder(given);
  // Some pages may not even ask for it: the getter throws.
  const { indexedDB } = globalThis as { readonly indexedDB?: IDBFactory };
  return indexedDB && new StoreDatabase(indexedDB, given || "kiln-store");
}
