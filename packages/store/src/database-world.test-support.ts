/** The suite's world over the global `indexedDB`: a browser's own, or a fake that the test has set. */
import { EntryStore } from "./entry-store.js";
import { StoreDatabase } from "./store-database.js";
import type { StoreWorld } from "./store-suite.test-support.js";

interface Use {
  readonly byteLength: number;
  readonly usedMs: number;
}

let worlds = 0;

export class DatabaseWorld implements StoreWorld {
  readonly name = `kiln-store-test-${Date.now()}-${worlds++}`;

  open({ maxBytes = 64 * 2 ** 20 } = {}): EntryStore {
    return new EntryStore(() => new StoreDatabase(indexedDB, this.name), { maxBytes });
  }

  async look(): Promise<Map<string, Use>> {
    const uses = new Map<string, Use>();
    await this.#within((_, found) => {
      found.openCursor().onsuccess = ({ target }) => {
        const cursor = (target as IDBRequest<IDBCursorWithValue | null>).result;
        if (!cursor) return;
        uses.set(String(cursor.key), cursor.value as Use);
        cursor.continue();
      };
    });
    return uses;
  }

  async readBytes(address: string): Promise<Uint8Array<ArrayBuffer>> {
    let found: IDBRequest | undefined;
    await this.#within((entries) => {
      found = entries.get(address);
    });
    return found!.result as Uint8Array<ArrayBuffer>;
  }

  put(address: string, bytes: Uint8Array<ArrayBuffer>, usedMs: number): Promise<void> {
    return this.#within((entries, uses) => {
      entries.put(bytes, address);
      uses.put({ byteLength: bytes.length, usedMs } satisfies Use, address);
    });
  }

  setUsed(address: string, usedMs: number): Promise<void> {
    return this.#within((_, uses) => {
      const found = uses.get(address) as IDBRequest<Use>;
      found.onsuccess = () => uses.put({ ...found.result, usedMs }, address);
    });
  }

  remove(address: string): Promise<void> {
    return this.#within((entries, uses) => {
      entries.delete(address);
      uses.delete(address);
    });
  }

  /** Uses a connection of its own, as another tab would. */
  async #within(work: (entries: IDBObjectStore, uses: IDBObjectStore) => void): Promise<void> {
    const database = await this.connect(1);
    try {
      const transaction = database.transaction(["entries", "uses"], "readwrite");
      work(transaction.objectStore("entries"), transaction.objectStore("uses"));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      database.close();
    }
  }

  /** Opens the database as a tab with this version would. */
  connect(version: number): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, version);
      request.onupgradeneeded = () => {
        for (const store of ["entries", "uses"]) {
          if (!request.result.objectStoreNames.contains(store)) request.result.createObjectStore(store);
        }
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }
}
