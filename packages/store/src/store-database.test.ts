import { IDBObjectStore as FakeObjectStore, IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DatabaseWorld } from "./database-world.test-support.js";
import { EntryStore } from "./entry-store.js";
import { openStore } from "./open-store.js";
import { StoreDatabase } from "./store-database.js";
import { entryAddress, entryIdentity } from "./store-entry.js";
import { storeSuite } from "./store-suite.test-support.js";

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

storeSuite("an IndexedDB", () => new DatabaseWorld());

describe("a store in an IndexedDB", () => {
  it("is what openStore opens where there is no Node", async () => {
    vi.stubGlobal("process", undefined);
    const [store, other] = [openStore(), openStore({ directory: "another" })];
    vi.unstubAllGlobals();
    vi.stubGlobal("indexedDB", new IDBFactory());
    await store.write("a", "b", 1);
    expect(await store.read("a", "b")).toBe(1);
    expect(await other.read("a", "b")).toBeUndefined();
    expect(store.stats()).toMatchObject({ hits: 1, writes: 1, failures: 0 });
  });

  it("keeps nothing, and says why, where the page may not even ask for one", async () => {
    const given = Object.getOwnPropertyDescriptor(globalThis, "indexedDB")!;
    vi.stubGlobal("process", undefined);
    Object.defineProperty(globalThis, "indexedDB", {
      configurable: true,
      get: () => {
        throw new Error("The operation is insecure.");
      },
    });
    const store = openStore();
    Object.defineProperty(globalThis, "indexedDB", given);
    vi.unstubAllGlobals();
    await store.write("a", "b", 1);
    expect(await store.read("a", "b")).toBeUndefined();
    expect(store.stats()).toMatchObject({
      misses: 1,
      writes: 0,
      failures: 1,
      lastFailure: "The operation is insecure.",
    });
  });

  it("runs on where it cannot be opened, and uses it once it can", async () => {
    const world = new DatabaseWorld();
    const store = world.open();
    const refused = vi.spyOn(indexedDB, "open").mockImplementation(() => {
      throw new Error("A private window has none.");
    });
    await store.write("a", "b", 1);
    expect(await store.read("a", "b")).toBeUndefined();
    expect(store.stats()).toMatchObject({ misses: 1, writes: 0, failures: 2 });
    refused.mockRestore();
    await store.write("a", "b", 2);
    expect(await store.read("a", "b")).toBe(2);
  });

  it("does not wait for one that stays blocked, and uses it once it is free", async () => {
    const world = new DatabaseWorld();
    // Held open by somebody who does not give way to a newer version.
    const old = await world.connect(1);
    old.onversionchange = null;
    let upgraded = false;
    const upgrading = world.connect(2).then((database) => {
      upgraded = true;
      database.close();
    });
    const store = new EntryStore(() => new StoreDatabase(indexedDB, world.name), { maxBytes: 2 ** 20, maxWaitMs: 20 });
    expect(await store.read("a", "b")).toBeUndefined();
    await store.write("a", "b", 1);
    expect(store.stats()).toMatchObject({ misses: 1, writes: 0, failures: 2 });
    expect(store.stats().lastFailure).toBe("The store has not answered for 20 ms.");
    expect(upgraded).toBe(false);
    old.close();
    await upgrading;
  });

  it("gives way to a tab with a newer version, and leaves the newer database alone", async () => {
    const world = new DatabaseWorld();
    const store = world.open();
    await store.write("a", "b", 1);
    const newer = await world.connect(2);
    expect(await store.read("a", "b")).toBeUndefined();
    await store.write("a", "b", 2);
    expect(store.stats()).toMatchObject({ writes: 1, failures: 2 });
    const kept = newer.transaction("entries").objectStore("entries").count();
    await new Promise((resolve) => {
      kept.onsuccess = resolve;
    });
    expect(kept.result).toBe(1);
    newer.close();
  });

  it("comes back after the database was deleted", async () => {
    const world = new DatabaseWorld();
    const store = world.open();
    await store.write("a", "b", 1);
    await new Promise((resolve, reject) => {
      const deleting = indexedDB.deleteDatabase(world.name);
      deleting.onsuccess = resolve;
      deleting.onblocked = reject;
    });
    expect(await store.read("a", "b")).toBeUndefined();
    await store.write("a", "b", 2);
    expect(await store.read("a", "b")).toBe(2);
    expect(store.stats().failures).toBe(0);
  });

  it("keeps neither part of a write that the quota refuses", async () => {
    const world = new DatabaseWorld();
    const store = world.open();
    await store.write("a", "b", 1);
    const put = FakeObjectStore.prototype.put;
    vi.spyOn(FakeObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, ...given) {
      const request = put.apply(this, given);
      if (this.name === "uses") this.transaction.abort();
      return request;
    });
    await store.write("a", "b", 2);
    await store.write("a", "c", 3);
    vi.restoreAllMocks();
    expect(store.stats()).toMatchObject({ writes: 1, failures: 2 });
    expect([await store.read("a", "b"), await store.read("a", "c")]).toEqual([1, undefined]);
    expect((await world.look()).size).toBe(1);
  });

  it("misses what stands there and is no entry", async () => {
    const world = new DatabaseWorld();
    const store = world.open();
    const address = await entryAddress(entryIdentity("a", "b"));
    for (const foreign of ["text", { bytes: [] }, 7]) {
      await world.put(address, foreign as unknown as Uint8Array<ArrayBuffer>, Date.now());
      expect(await store.read("a", "b")).toBeUndefined();
      expect((await world.look()).size).toBe(0);
    }
    expect(store.stats()).toMatchObject({ misses: 3, failures: 3 });
  });
});
