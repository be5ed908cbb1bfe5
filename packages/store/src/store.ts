import type { StoredValue } from "./stored-value.js";

/** Counted since this store was opened, for this store alone; other processes may use the same folder. */
export interface StoreStats {
  readonly hits: number;
  readonly misses: number;
  readonly writes: number;
  /** Calls that the disk refused or did not answer, and entries that were damaged or not the store's. */
  readonly failures: number;
  /** The message of the last failure. */
  readonly lastFailure: string | undefined;
  /** Entries that this store removed to keep its bound. */
  readonly evicted: number;
}

/**
 * Values on disk that can be made again: measurements, tuning results, translated shaders. Many processes may use one
 * folder at once, and many tabs one database.
 *
 * Invariant: no call rejects, or waits longer than a second for a disk that does not answer. A value that the disk does
 * not give is a miss, a value that it does not take is not kept, and both are counted.
 */
export interface Store {
  /**
   * Resolves with the value last written under `key`, or `undefined` if there is none or it is gone. It may have been
   * written by an older version of the caller, so check its shape, or put a version into the key.
   * @param namespace One word for the kind of value, such as "tuning".
   * @param key Everything that decides the value; read before the first await. The order of a list counts.
   */
  read(namespace: string, key: string | readonly string[]): Promise<StoredValue | undefined>;
  /**
   * Replaces the value under `key`. Resolves when the value is on disk, or when the write has failed. Writes take
   * effect in the order of their calls.
   * @param value Read before the first await.
   */
  write(namespace: string, key: string | readonly string[], value: StoredValue): Promise<void>;
  /** Resolves when every write so far has ended. */
  written(): Promise<void>;
  stats(): StoreStats;
}
