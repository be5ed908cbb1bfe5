export interface StoredEntry {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** When it was last written or marked as used. */
  readonly usedMs: number;
}

/**
 * Where the entries of a store stand, by address: the files of a folder, the records of a database. What the bytes mean is not known
 * there, and nothing is remembered between calls, for other processes and tabs change the place too.
 */
export interface StoreBackend {
  /**
   * The entry at `address`; empty, as no entry is, where something else stands there, or more than `maxByteLength`.
   * @throws what the place throws; an entry that is not there is `undefined`.
   */
  read(address: string, maxByteLength: number): Promise<StoredEntry | undefined>;
  /** Puts `bytes` at `address`, so that who reads finds the old entry or the new one, never a part. */
  write(address: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Marks the entry as used now; a place that can only be read stays as it is. */
  touch(address: string): Promise<void>;
  remove(address: string): Promise<void>;
  /**
   * Removes the least recently used entries until the rest takes at most `maxByteLength`, each as `storedByteLength` counts it.
   * @returns How many entries were removed.
   */
  trim(maxByteLength: number): Promise<number>;
}

/** What an entry of `byteLength` takes, in the blocks that nearly all file systems use: so small entries are bounded too. */
export function storedByteLength(byteLength: number): number {
  return Math.ceil(byteLength / 4096) * 4096;
}

/** A time ahead of the clock is as old as one behind it: it must not make an entry look fresh for ever. */
export function ageMs(timeMs: number): number {
  return Math.abs(Date.now() - timeMs);
}

/** How many of `entries` have to go, the least recently used first, until the rest takes at most `maxByteLength`; sorts them so. */
export function countToRemove(
  entries: { readonly byteLength: number; readonly usedMs: number }[],
  maxByteLength: number,
): number {
  entries.sort((a, b) => a.usedMs - b.usedMs);
  let total = entries.reduce((sum, { byteLength }) => sum + storedByteLength(byteLength), 0);
  let count = 0;
  while (total > maxByteLength && count < entries.length) total -= storedByteLength(entries[count++]!.byteLength);
  return count;
}
