import type { Store, StoreStats } from "./store.js";
import { ageMs, type StoreBackend, storedByteLength } from "./store-backend.js";
import { decodeEntry, encodeEntry, entryAddress, entryIdentity, sealEntry } from "./store-entry.js";
import type { StoredValue } from "./stored-value.js";

export interface EntryStoreOptions {
  readonly maxBytes: number;
}

const dayMs = 24 * 3_600_000;
/** How long the backend may take to answer. */
const maxWaitMs = 1000;
/**
 * The wait is this many timers in a row. While a thread is busy it hears no answer, but only one of the timers passes.
 */
const timersPerWait = 10;

/**
 * The store over a backend. It defines what an entry is, when room is made and how long to wait; the backend keeps the
 * entries.
 */
export class EntryStore implements Store {
  readonly #backend: StoreBackend | undefined;
  readonly #maxBytes: number;
  /**
   * No entry is larger, so reading takes no more memory whatever the backend holds, and a trim leaves room for any
   * entry.
   */
  readonly #maxEntryBytes: number;
  /** Infinite at first: other processes may have filled the backend. */
  #bytesSinceTrim = Number.POSITIVE_INFINITY;
  #lastWrite: Promise<void> = Promise.resolve();
  /** Calls that were not answered in time and have not been answered since. */
  #unanswered = 0;
  #hits = 0;
  #misses = 0;
  #writes = 0;
  #failures = 0;
  #lastFailure: string | undefined;
  #evicted = 0;

  /**
   * @param openBackend Returns `undefined` for a store that keeps nothing. An error that it throws is the first
   * failure.
   */
  constructor(openBackend: () => StoreBackend | undefined, { maxBytes }: EntryStoreOptions) {
    this.#maxBytes = maxBytes;
    this.#maxEntryBytes = maxBytes / 8;
    try {
      this.#backend = openBackend();
    } catch (error) {
      this.#fail(error);
    }
  }

  async read(namespace: string, key: string | readonly string[]): Promise<StoredValue | undefined> {
    let value: StoredValue | undefined;
    try {
      const backend = this.#backend;
      if (backend) {
        const identity = entryIdentity(namespace, key);
        value = await this.#inTime(() => this.#find(backend, identity));
      }
    } catch (error) {
      this.#fail(error);
    }
    if (value === undefined) this.#misses++;
    else this.#hits++;
    return value;
  }

  async write(namespace: string, key: string | readonly string[], value: StoredValue): Promise<void> {
    const backend = this.#backend;
    if (!backend) return;
    try {
      const identity = entryIdentity(namespace, key);
      const bytes = encodeEntry(identity, value);
      // One at a time: several at once could each find the room that only one of them has.
      const written = this.#lastWrite.then(() => this.#inTime(() => this.#put(backend, identity, bytes)));
      this.#lastWrite = written.catch(() => undefined);
      await written;
    } catch (error) {
      this.#fail(error);
    }
  }

  written(): Promise<void> {
    return this.#lastWrite;
  }

  stats(): StoreStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      writes: this.#writes,
      failures: this.#failures,
      lastFailure: this.#lastFailure,
      evicted: this.#evicted,
    };
  }

  async #find(backend: StoreBackend, identity: string): Promise<StoredValue | undefined> {
    const address = await entryAddress(identity);
    const entry = await backend.read(address, this.#maxEntryBytes);
    if (!entry) return undefined;
    const value = await decodeEntry(identity, entry.bytes);
    if (value === undefined) {
      this.#fail(new Error(`The store's entry ${address} is damaged or is not an entry; it is removed.`));
      await backend.remove(address);
    } else if (ageMs(entry.usedMs) >= dayMs) {
      await backend.touch(address);
    }
    return value;
  }

  async #put(backend: StoreBackend, identity: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const byteLength = storedByteLength(bytes.length);
    // Negated, so that a bound of NaN keeps nothing.
    if (!(byteLength <= this.#maxEntryBytes)) {
      throw new Error(`The store keeps entries of up to ${this.#maxEntryBytes} bytes; this one has ${byteLength}.`);
    }
    // A quarter stays free, so that several processes can write before one of them trims again.
    if (this.#bytesSinceTrim + byteLength > this.#maxBytes / 16) {
      this.#evicted += await backend.trim(0.75 * this.#maxBytes);
      this.#bytesSinceTrim = 0;
    }
    await sealEntry(bytes);
    await backend.write(await entryAddress(identity), bytes);
    this.#bytesSinceTrim += byteLength;
    this.#writes++;
  }

  /**
   * Resolves with what `work` gives, if that comes in time. A network disk may not answer for minutes. After the first
   * call that times out, all calls fail at once until the disk has answered it.
   */
  async #inTime<T>(work: () => Promise<T>): Promise<T> {
    if (this.#unanswered > 0) throw timedOut();
    const answer = work();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<never>((_, reject) => {
      const wait = (timersLeft: number) => {
        timer = setTimeout(() => {
          if (timersLeft > 1) return wait(timersLeft - 1);
          this.#unanswered++;
          const settle = () => {
            this.#unanswered--;
          };
          answer.then(settle, settle);
          reject(timedOut());
        }, maxWaitMs / timersPerWait);
      };
      wait(timersPerWait);
    });
    try {
      return await Promise.race([answer, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  #fail(error: unknown): void {
    this.#failures++;
    this.#lastFailure = error instanceof Error ? error.message : String(error);
  }
}

function timedOut(): Error {
  return new Error(`The store did not answer within ${maxWaitMs} ms.`);
}
