/** What a person asks of the store's folder, in Node: where it is, what it holds, and to empty it. */
import { openFolder } from "./open-folder.js";
import type { StoreOptions } from "./open-store.js";
import { namespaceOf } from "./store-entry.js";

export interface SurveyedEntry {
  /** The file's name without its extension. */
  readonly address: string;
  /** What it was written under; `undefined` for a file that is damaged. */
  readonly namespace: string | undefined;
  readonly byteLength: number;
  /** When the entry was last written, or read on another day. */
  readonly usedMs: number;
}

export interface StoreSurvey {
  readonly directory: string;
  /** By address. */
  readonly entries: readonly SurveyedEntry[];
}

/** No entry is larger, so a file that is larger is none. */
const maxEntryBytes = 64 * 2 ** 20;

/**
 * Lists what the store holds on disk; `undefined` if `KILN_STORE` turns it off.
 * @throws {Error} if the folder cannot be read, or other users may write in it.
 */
export async function surveyStore({
  directory,
}: Pick<StoreOptions, "directory"> = {}): Promise<StoreSurvey | undefined> {
  const folder = openFolder(directory);
  if (!folder) return undefined;
  const entries: SurveyedEntry[] = [];
  for (const address of await folder.addresses()) {
    const found = await folder.read(address, maxEntryBytes);
    // Another process may have removed it.
    if (!found) continue;
    const { bytes, usedMs } = found;
    entries.push({ address, namespace: namespaceOf(bytes), byteLength: bytes.length, usedMs });
  }
  return { directory: folder.directory, entries };
}

/**
 * Removes all entries. Processes that use the store meanwhile write new ones.
 * @returns How many were removed; 0 if `KILN_STORE` turns the store off.
 * @throws {Error} if the folder cannot be read, or other users may write in it.
 */
export async function clearStore({ directory }: Pick<StoreOptions, "directory"> = {}): Promise<number> {
  return (await openFolder(directory)?.trim(0)) ?? 0;
}
