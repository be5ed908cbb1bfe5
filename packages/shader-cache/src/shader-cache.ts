import type { CacheCounters } from "@kiln-gpu/core";

export interface ShaderCacheOptions<T> {
  /** How many entries are kept at most, with those being created; 256 by default. */
  readonly maxEntries?: number;
  /** Called with each value that the cache no longer keeps. */
  readonly onEvict?: (value: T, address: string) => void;
}

/** `made` counts creations that succeeded, `reused` every `get` and `peek` that found an entry; `made` is `live` plus `evicted`. */
export interface ShaderCacheCounters extends CacheCounters {
  /** How many creations were started. */
  readonly misses: number;
}

/** What was compiled, by content address. Each address is created once however many ask at once; what fails is not kept. */
export class ShaderCache<T> {
  readonly #maxEntries: number;
  readonly #onEvict: ((value: T, address: string) => void) | undefined;
  /** Least recently used first. */
  readonly #settled = new Map<string, { readonly value: T }>();
  #latest: string | undefined;
  readonly #inFlight = new Map<string, Promise<T>>();
  #made = 0;
  #reused = 0;
  #evicted = 0;
  #misses = 0;

  constructor({ maxEntries = 256, onEvict }: ShaderCacheOptions<T> = {}) {
    this.#maxEntries = maxEntries;
    this.#onEvict = onEvict;
  }

  /**
   * Resolves with the value at `address`, which `create` makes where there is none; the least recently used one makes room for it.
   * @throws what `create` throws, to everyone who waits for it; the next call creates anew.
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
    // Begun a microtask later, so that a `create` which asks for the same address finds this flight.
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

  /** The value at `address` if it is there already; finding it counts as a use, not finding it counts as nothing. */
  peek(address: string): T | undefined {
    return this.#use(address)?.value;
  }

  /** Drops everything. What is in flight goes to those who wait for it and is not kept. */
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

  #use(address: string): { readonly value: T } | undefined {
    const entry = this.#settled.get(address);
    if (!entry) return undefined;
    // Most uses are of the one that was used last.
    if (address !== this.#latest) {
      this.#settled.delete(address);
      this.#settled.set(address, entry);
      this.#latest = address;
    }
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
    this.#settled.set(address, { value });
    this.#latest = address;
    this.#makeRoom();
  }

  /** What is in flight counts to the bound but stays: its waiters hold it anyway. */
  #makeRoom(): void {
    for (const address of this.#settled.keys()) {
      if (this.#settled.size + this.#inFlight.size <= this.#maxEntries) return;
      this.#evict(address);
    }
  }

  #evict(address: string): void {
    const entry = this.#settled.get(address);
    if (!entry) return;
    this.#settled.delete(address);
    this.#evicted++;
    this.#onEvict?.(entry.value, address);
  }
}
