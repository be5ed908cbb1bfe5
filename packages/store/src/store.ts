import type { StoredValue } from "./store-entry.js";

/** Counted from the opening on, and only for this store; other processes may use the folder too. */
export interface StoreStats {
  readonly hits: number;
  readonly misses: number;
  readonly writes: number;
  /** What the disk refused or did not answer, and the entries that were found damaged or foreign. */
  readonly failures: number;
  /** What the last of them was, for people. */
  readonly lastFailure: string | undefined;
  /** Entries that this store removed to keep its bound. */
  readonly evicted: number;
}

/**
 * Values on disk that can be made again: figures that were measured, choices that were tuned, shaders that were translated. Many
 * processes may use one folder at once, and many tabs one database.
 *
 * Invariant: no call rejects, or waits for longer than a second for a disk that is silent. What the disk does not give is a miss, what
 * it does not take is not kept, and both are counted.
 */
export interface Store {
  /**
   * What was last written under `key`, or `undefined` if it is not there any more or never was. What an older version of the caller
   * wrote is found too, so check its shape, or put a version into the key.
   * @param namespace A short word for what kind of thing is kept, such as "tuning".
   * @param key Everything that decides the value; read before the first await. The order of a list counts.
   */
  read(namespace: string, key: string | readonly string[]): Promise<StoredValue | undefined>;
  /**
   * Keeps `value` under `key` in place of what was there. Resolves when it is on disk, or will not be; calls take effect in their order.
   * @param value Read before the first await.
   */
  write(namespace: string, key: string | readonly string[], value: StoredValue): Promise<void>;
  /** Resolves when what was given to `write` until now is on disk, or will not be. */
  written(): Promise<void>;
  stats(): StoreStats;
}
