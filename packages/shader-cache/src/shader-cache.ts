import type { CacheCounters } from "@kiln-gpu/core";

export interface ShaderCacheOptions<T> {
  /**
   * The most entries, including those being created.
   * @default 256
   */
  readonly maxEntries?: number;
  /** Called with each value that leaves the cache. */
  readonly onEvict?: (value: T, address: string) => void;
}

/**
 * `made` counts successful creations and is `live` plus `evicted`. `reused` counts every `get` and `peek` that found an
 * entry.
 */
export interface ShaderCacheCounters extends CacheCounters {
  /** Creations that were started. */
  readonly misses: number;
}

interface Entry<T> {
  readonly value: T;
  /** Its last use, in the order of all uses. */
  lastUse: number;
}

/**
 * Compiled shaders by content address. Concurrent calls for one address share one creation, and a failed one is not
 * kept.
 */
export class ShaderCache<T> {
  readonly #maxEntries: number;
  readonly #onEvict: ((value: T, address: string) => void) | undefined;
  readonly #settled = new Map<string, Entry<T>>();
  readonly #inFlight = new Map<string, Promise<T>>();
  #uses = 0;
  #made = 0;
  #reused = 0;
  #evicted = 0;
  #misses = 0;

  constructor({ maxEntries = 256, onEvict }: ShaderCacheOptions<T> = {}) {
    this.#maxEntries = maxEntries;
    this.#onEvict = onEvict;
  }

  /**
   * Resolves with the value at `address`. If there is none, `create` makes it, and the least recently used value makes
   * room for it.
   * @throws what `create` throws, to every call that waits for it. The next call creates again.
   */
  get(address: string, create: () => Promise<T>): Promise<T> {
    const settled = this.#use(address);
    if (settled) return Promise.resolve(settled.value);
    const inFlight = this.#inFlight.get(address);
    if (inFlight) {
      this.#reused++;
      return inFlight;
    }
    this.#misses++;
    // Starts a microtask later: by then the flight is registered, for a `create` that calls `get` itself.
    const flight: Promise<T> = Promise.resolve()
      .then(create)
      .then(
        (value) => {
          this.#land(address, flight, value);
          return value;
        },
        (error: unknown) => {
          if (this.#inFlight.get(address) === flight) this.#inFlight.delete(address);
          throw error;
        },
      );
    this.#inFlight.set(address, flight);
    this.#makeRoom();
    return flight;
  }

  /**
   * The value at `address`, or `undefined` if it is not there yet. Finding it counts as a use; not finding it is not
   * counted.
   */
  peek(address: string): T | undefined {
    return this.#use(address)?.value;
  }

  /** Drops all values. A creation in flight still resolves for its callers, and its value is not kept. */
  clear(): void {
    this.#inFlight.clear();
    for (const address of [...this.#settled.keys()]) this.#evict(address);
  }

  stats(): ShaderCacheCounters {
    return {
      made: this.#made,
      reused: this.#reused,
      live: this.#settled.size,
      evicted: this.#evicted,
      misses: this.#misses,
    };
  }

  #use(address: string): Entry<T> | undefined {
    const entry = this.#settled.get(address);
    if (!entry) return undefined;
    entry.lastUse = ++this.#uses;
    this.#reused++;
    return entry;
  }

  #land(address: string, flight: Promise<T>, value: T): void {
    this.#made++;
    if (this.#inFlight.get(address) !== flight) {
      this.#evicted++;
      this.#onEvict?.(value, address);
      return;
    }
    this.#inFlight.delete(address);
    this.#settled.set(address, { value, lastUse: ++this.#uses });
    this.#makeRoom();
  }

  /** Creations in flight count towards the bound but are never dropped: their callers get the values anyway. */
  #makeRoom(): void {
    while (this.#settled.size > 0 && this.#settled.size + this.#inFlight.size > this.#maxEntries) {
      this.#evict(this.#leastRecentlyUsed());
    }
  }

  /** Uses are frequent and evictions rare, so a use only sets a number, and an eviction looks at all entries. */
  #leastRecentlyUsed(): string {
    let oldest: readonly [string, Entry<T>] | undefined;
    for (const entry of this.#settled) if (!oldest || entry[1].lastUse < oldest[1].lastUse) oldest = entry;
    return oldest![0];
  }

  #evict(address: string): void {
    const entry = this.#settled.get(address);
    if (!entry) return;
    this.#settled.delete(address);
    this.#evicted++;
    this.#onEvict?.(entry.value, address);
  }
}
