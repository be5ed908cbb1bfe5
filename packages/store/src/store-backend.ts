export interface StoredEntry {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** When the entry was last written or touched. */
  readonly usedMs: number;
}

/**
 * Holds the entries of a store by address: the files of a folder, or the records of a database. It does not know what
 * the bytes mean, and it remembers nothing between calls, because other processes and tabs change the entries too.
 */
export interface StoreBackend {
  /**
   * Resolves with the entry at `address`, or `undefined` if there is none. An entry longer than `maxByteLength`, or
   * something that is no entry, has empty bytes, which no entry has.
   * @throws what the file system or the database throws.
   */
  read(address: string, maxByteLength: number): Promise<StoredEntry | undefined>;
  /** Replaces the entry at `address` at once: a reader finds the old entry or the new one, never a part. */
  write(address: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Marks the entry as used now, if it may be written. */
  touch(address: string): Promise<void>;
  remove(address: string): Promise<void>;
  /**
   * Removes the least recently used entries until the rest take at most `maxByteLength`, counted by `storedByteLength`.
   * @returns The number of entries removed.
   */
  trim(maxByteLength: number): Promise<number>;
}

/**
 * The bytes that an entry of `byteLength` takes in blocks of 4096, as on most file systems, so small entries are
 * bounded too.
 */
export function storedByteLength(byteLength: number): number {
  return Math.ceil(byteLength / 4096) * 4096;
}

/**
 * The distance of `timeMs` from now. A time ahead of the clock counts as old, or its entry would look fresh for ever.
 */
export function ageMs(timeMs: number): number {
  return Math.abs(Date.now() - timeMs);
}

/**
 * Sorts `entries`, least recently used first.
 * @returns How many of the first must go, so that the rest take at most `maxByteLength`.
 */
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
