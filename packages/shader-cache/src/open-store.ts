import type { DiskStore } from "./disk-store.js";
import { FolderStore } from "./folder-store.js";
import { cacheDirectory } from "./store-directory.js";
import { StoreFolder } from "./store-folder.js";

export interface StoreOptions {
  /** The folder, made when it is first written; by default `KILN_STORE_DIRECTORY`, or else the platform's cache folder. */
  readonly directory?: string;
  /** What the entries take on disk at most, 64 MiB by default; one entry takes at most an eighth of it. */
  readonly maxBytes?: number;
  /** `false` for a store that keeps nothing, as the environment variable `KILN_STORE=off` also makes it. */
  readonly isEnabled?: boolean;
}

/**
 * Opens the store, which touches no disk until something is read or written, and needs no closing. In a browser it keeps nothing.
 * Never throws: without a directory it keeps nothing and counts a failure.
 */
export function openStore({ directory, maxBytes = 64 * 1024 * 1024, isEnabled = true }: StoreOptions = {}): DiskStore {
  return new FolderStore(() => (isEnabled ? openFolder(directory) : undefined), maxBytes);
}

/** The folder, or `undefined` where there is none to have. */
function openFolder(given: string | undefined): StoreFolder | undefined {
  const { process } = globalThis;
  // Not `import("node:fs")`: a page's bundler would look for that module, and some stop when they do not find it.
  if (!process?.getBuiltinModule || process.env.KILN_STORE === "off") return undefined;
  const fs = process.getBuiltinModule("node:fs/promises");
  const path = process.getBuiltinModule("node:path");
  const { homedir } = process.getBuiltinModule("node:os");
  const { platform, env: environment } = process;
  const directory =
    given || environment.KILN_STORE_DIRECTORY || cacheDirectory({ platform, environment, homedir, path });
  return new StoreFolder(path.resolve(directory), { fs, path, userId: process.geteuid?.() });
}
