/**
 * A store's entries as records of an IndexedDB. A second object store has each entry's size and last use, so that
 * `trim` reads no entries. Each call is one transaction over both, so no tab sees one without the other.
 */
import { countToRemove, type StoreBackend, type StoredEntry } from "./store-backend.js";

interface Use {
  readonly byteLength: number;
  readonly usedMs: number;
}

type Stores = Readonly<Record<"entries" | "uses", IDBObjectStore>>;

/** The version of the two object stores. The format of an entry has its own. */
const version = 1;

export class StoreDatabase implements StoreBackend {
  readonly #factory: IDBFactory;
  readonly #name: string;
  #opening: Promise<IDBDatabase> | undefined;

  constructor(factory: IDBFactory, name: string) {
    this.#factory = factory;
    this.#name = name;
  }

  read(address: string, maxByteLength: number): Promise<StoredEntry | undefined> {
    return this.#transact("readonly", ({ entries, uses }) => {
      const [entry, use] = [entries.get(address), uses.get(address) as IDBRequest<Use | undefined>];
      return () => {
        const bytes: unknown = entry.result;
        if (bytes === undefined) return undefined;
        const isWhole = bytes instanceof Uint8Array && bytes.length <= maxByteLength;
        return {
          bytes: isWhole ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(),
          usedMs: use.result?.usedMs ?? 0,
        };
      };
    });
  }

  write(address: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#transact("readwrite", ({ entries, uses }) => {
      entries.put(bytes, address);
      uses.put({ byteLength: bytes.length, usedMs: Date.now() } satisfies Use, address);
    });
  }

  touch(address: string): Promise<void> {
    return this.#transact("readwrite", ({ uses }) => {
      const found = uses.get(address) as IDBRequest<Use | undefined>;
      // Another tab may have removed the entry.
      found.onsuccess = () => found.result && uses.put({ ...found.result, usedMs: Date.now() }, address);
    });
  }

  remove(address: string): Promise<void> {
    return this.#transact("readwrite", (stores) => {
      removeFrom(stores, address);
    });
  }

  trim(maxByteLength: number): Promise<number> {
    return this.#transact("readwrite", (stores) => {
      let count = 0;
      const addresses = stores.uses.getAllKeys();
      const uses = stores.uses.getAll() as IDBRequest<Use[]>;
      uses.onsuccess = () => {
        const all = uses.result.map((use, i) => ({ ...use, address: addresses.result[i]! }));
        count = countToRemove(all, maxByteLength);
        for (const { address } of all.slice(0, count)) removeFrom(stores, address);
      };
      return () => count;
    });
  }

  /**
   * Makes the requests of `work` in one transaction. Resolves with what the function that `work` returns then gives.
   */
  async #transact<T>(mode: IDBTransactionMode, work: (stores: Stores) => (() => T) | undefined): Promise<T> {
    const database = await this.#open();
    const transaction = database.transaction(["entries", "uses"], mode);
    const result = work({ entries: transaction.objectStore("entries"), uses: transaction.objectStore("uses") });
    return await new Promise<T>((resolve, reject) => {
      transaction.oncomplete = () => resolve(result?.() as T);
      transaction.onabort = () => reject(transaction.error ?? new Error("The store's transaction was aborted."));
    });
  }

  #open(): Promise<IDBDatabase> {
    if (this.#opening) return this.#opening;
    const forget = () => {
      if (this.#opening === opening) this.#opening = undefined;
    };
    const opening = new Promise<IDBDatabase>((resolve, reject) => {
      const request = this.#factory.open(this.#name, version);
      request.onupgradeneeded = () => {
        for (const name of ["entries", "uses"]) request.result.createObjectStore(name);
      };
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const database = request.result;
        database.onclose = forget;
        // A tab that upgrades or deletes the database must not wait for this one.
        database.onversionchange = () => {
          forget();
          database.close();
        };
        resolve(database);
      };
    });
    this.#opening = opening;
    opening.catch(forget);
    return opening;
  }
}

function removeFrom({ entries, uses }: Stores, address: IDBValidKey): void {
  entries.delete(address);
  uses.delete(address);
}
