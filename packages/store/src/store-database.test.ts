import { IDBObjectStore as FakeObjectStore, IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { DatabaseWorld } from "./database-world.test-support.js";
import { openStore } from "./open-store.js";
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
  it("is what openStore opens outside Node", async () => {
    vi.stubGlobal("process", undefined);
    const [store, other] = [openStore(), openStore({ directory: "another" })];
    vi.unstubAllGlobals();
    vi.stubGlobal("indexedDB", new IDBFactory());
    await store.write("a", "b", 1);
    expect(await store.read("a", "b")).toBe(1);
    expect(await other.read("a", "b")).toBeUndefined();
    expect(store.stats()).toMatchObject({ hits: 1, writes: 1, failures: 0 });
  });

  it("keeps nothing, and says why, in a page that may not even ask for one", async () => {
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

  it("goes on while the database cannot be opened, and uses it once it can be", async () => {
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

  it("waits a second for a database that is blocked, and uses it once it is free", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const world = new DatabaseWorld();
    // A tab that keeps its connection blocks the deletion, which blocks every opening after it.
    const connection = await world.connect(1);
    connection.onversionchange = null;
    const deleted = new Promise<void>((resolve) => {
      indexedDB.deleteDatabase(world.name).onsuccess = () => resolve();
    });
    const store = world.open();
    const reading = store.read("a", "b");
    vi.advanceTimersByTime(1000);
    expect(await reading).toBeUndefined();
    await store.write("a", "b", 1);
    expect(store.stats()).toMatchObject({ misses: 1, writes: 0, failures: 2 });
    expect(store.stats().lastFailure).toBe("The store did not answer within 1000 ms.");

    connection.close();
    await deleted;
    const write = async () => {
      await store.write("a", "b", 2);
      return store.stats().writes;
    };
    await expect.poll(write).toBeGreaterThan(0);
    expect(await store.read("a", "b")).toBe(2);
  });

  it("closes for a tab with a newer version, and leaves the newer database alone", async () => {
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

  it("makes the database again after it was deleted", async () => {
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

  it("keeps neither half of a write that the quota refuses", async () => {
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

  it("misses and removes a record that is no entry", async () => {
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
