import type { Store, StoreStats } from "./store.js";
import { ageMs, type StoreBackend, storedByteLength } from "./store-backend.js";
import { decodeEntry, encodeEntry, entryAddress, entryIdentity, type StoredValue, sealEntry } from "./store-entry.js";

export interface EntryStoreOptions {
  readonly maxBytes: number;
  /** How long a place is waited for. */
  readonly maxWaitMs?: number;
}

const dayMs = 24 * 3_600_000;
/** A wait is counted in so many: a thread that is busy for long hears nothing in one of them, and that is no silence of the backend. */
const waitParts = 10;

/** The store over a backend: what an entry is, when room is made and how long is waited are decided here, how entries are kept is the place's. */
export class EntryStore implements Store {
  readonly #backend: StoreBackend | undefined;
  readonly #maxBytes: number;
  readonly #maxWaitMs: number;
  /** No entry is larger: a read of whatever stands in the place takes no more memory, and a trim leaves room for any entry. */
  readonly #maxEntryBytes: number;
  /** At first all that other processes may have written. */
  #bytesSinceTrim = Number.POSITIVE_INFINITY;
  #lastWrite: Promise<void> = Promise.resolve();
  /** Calls that were not answered in time, and have not been since. */
  #unanswered = 0;
  #hits = 0;
  #misses = 0;
  #writes = 0;
  #failures = 0;
  #lastFailure: string | undefined;
  #evicted = 0;

  /** @param openBackend Gives `undefined` for a store that keeps nothing; what it throws is the store's first failure. */
  constructor(openBackend: () => StoreBackend | undefined, { maxBytes, maxWaitMs = 1000 }: EntryStoreOptions) {
    this.#maxBytes = maxBytes;
    this.#maxWaitMs = maxWaitMs;
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
        value = await this.#answered(() => this.#find(backend, identity));
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
      // One after the other, or many at once could all find room where there is room for one.
      const written = this.#lastWrite.then(() => this.#answered(() => this.#put(backend, identity, bytes)));
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
      this.#fail(new Error(`The store's entry ${address} is damaged, or is no entry.`));
      await backend.remove(address);
    } else if (ageMs(entry.usedMs) >= dayMs) {
      await backend.touch(address);
    }
    return value;
  }

  async #put(backend: StoreBackend, identity: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const byteLength = storedByteLength(bytes.length);
    // Written so that a bound which is no number keeps nothing.
    if (!(byteLength <= this.#maxEntryBytes)) {
      throw new Error(`The store keeps entries of up to ${this.#maxEntryBytes} bytes; one of ${byteLength} was given.`);
    }
    // A quarter is left free, so that several processes may write before one of them trims again.
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
   * What `work` gives, if it comes in time. A disk on a network may not answer for minutes: then nobody waits for it any more, and
   * nothing else is asked of it before it has.
   */
  async #answered<T>(work: () => Promise<T>): Promise<T> {
    if (this.#unanswered > 0) throw this.#silence();
    const answer = work();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<never>((_, reject) => {
      const listen = (parts: number) => {
        timer = setTimeout(() => {
          if (parts > 1) return listen(parts - 1);
          this.#unanswered++;
          const settle = () => {
            this.#unanswered--;
          };
          answer.then(settle, settle);
          reject(this.#silence());
        }, this.#maxWaitMs / waitParts);
      };
      listen(waitParts);
    });
    try {
      return await Promise.race([answer, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  #silence(): Error {
    return new Error(`The store has not answered for ${this.#maxWaitMs} ms.`);
  }

  #fail(error: unknown): void {
    this.#failures++;
    this.#lastFailure = error instanceof Error ? error.message : String(error);
  }
}
