import type { DiskStore, StoreStats } from "./disk-store.js";
import { decodeEntry, encodeEntry, entryAddress, entryIdentity, type StoredValue, sealEntry } from "./store-entry.js";
import { diskByteLength, type StoreFolder } from "./store-folder.js";

/** The store over a folder: what an entry is and when room is made are decided here, how files are handled is the folder's. */
export class FolderStore implements DiskStore {
  readonly #folder: StoreFolder | undefined;
  readonly #maxBytes: number;
  /** No entry is larger: a read of whatever stands in the folder takes no more memory, and a trim leaves room for any entry. */
  readonly #maxEntryBytes: number;
  /** At first all that other processes may have written. */
  #bytesSinceTrim = Number.POSITIVE_INFINITY;
  #lastWrite: Promise<void> = Promise.resolve();
  #hits = 0;
  #misses = 0;
  #writes = 0;
  #failures = 0;
  #lastFailure: string | undefined;
  #evicted = 0;

  /** @param openFolder Gives `undefined` for a store that keeps nothing; what it throws is the store's first failure. */
  constructor(openFolder: () => StoreFolder | undefined, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxEntryBytes = maxBytes / 8;
    try {
      this.#folder = openFolder();
    } catch (error) {
      this.#fail(error);
    }
  }

  async read(namespace: string, key: string | readonly string[]): Promise<StoredValue | undefined> {
    let value: StoredValue | undefined;
    try {
      if (this.#folder) value = await this.#find(this.#folder, entryIdentity(namespace, key));
    } catch (error) {
      this.#fail(error);
    }
    if (value === undefined) this.#misses++;
    else this.#hits++;
    return value;
  }

  async write(namespace: string, key: string | readonly string[], value: StoredValue): Promise<void> {
    const folder = this.#folder;
    if (!folder) return;
    try {
      const identity = entryIdentity(namespace, key);
      const bytes = encodeEntry(identity, value);
      // One after the other, or many at once could all find room where there is room for one.
      const written = this.#lastWrite.then(() => this.#put(folder, identity, bytes));
      this.#lastWrite = written.catch(() => undefined);
      await written;
    } catch (error) {
      this.#fail(error);
    }
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

  async #find(folder: StoreFolder, identity: string): Promise<StoredValue | undefined> {
    const address = await entryAddress(identity);
    const file = await folder.read(address, this.#maxEntryBytes);
    if (!file) return undefined;
    const value = await decodeEntry(identity, file.bytes);
    if (value === undefined) {
      this.#fail(new Error(`The store's entry ${address} is damaged, or is no entry.`));
      await folder.remove(address);
    } else {
      await folder.touch(address, file.modifiedMs);
    }
    return value;
  }

  async #put(folder: StoreFolder, identity: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const byteLength = diskByteLength(bytes.length);
    // Written so that a bound which is no number keeps nothing.
    if (!(byteLength <= this.#maxEntryBytes)) {
      throw new Error(`The store keeps entries of up to ${this.#maxEntryBytes} bytes; one of ${byteLength} was given.`);
    }
    // A quarter is left free, so that several processes may write before one of them trims again.
    if (this.#bytesSinceTrim + byteLength > this.#maxBytes / 16) {
      this.#evicted += await folder.trim(0.75 * this.#maxBytes);
      this.#bytesSinceTrim = 0;
    }
    await sealEntry(bytes);
    await folder.write(await entryAddress(identity), bytes);
    this.#bytesSinceTrim += byteLength;
    this.#writes++;
  }

  #fail(error: unknown): void {
    this.#failures++;
    this.#lastFailure = error instanceof Error ? error.message : String(error);
  }
}
