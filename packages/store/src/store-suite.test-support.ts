/**
 * The promises of a store, as one suite for every backend. It needs no Node, so it also runs in a browser, on its
 * IndexedDB.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Store } from "./store.js";
import { entryAddress, entryIdentity } from "./store-entry.js";
import type { JsonValue } from "./stored-value.js";

/** The entries of one folder or database, which a test may look at and change behind the stores' backs. */
export interface StoreWorld {
  /** Opens another store over the same entries, as another process or tab would. */
  open(options?: { readonly maxBytes?: number }): Store;
  /** When each entry was last used, and its size, by address. */
  look(): Promise<ReadonlyMap<string, { readonly usedMs: number; readonly byteLength: number }>>;
  readBytes(address: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Puts `bytes` there with any time of use. */
  put(address: string, bytes: Uint8Array<ArrayBuffer>, usedMs: number): Promise<void>;
  setUsed(address: string, usedMs: number): Promise<void>;
  remove(address: string): Promise<void>;
}

const block = 4096;
const dayMs = 86_400_000;

const addressOf = (key: string) => entryAddress(entryIdentity("a", key));
const onDisk = (byteLength: number) => Math.ceil(byteLength / block) * block;

async function bytesIn(world: StoreWorld): Promise<number> {
  let sum = 0;
  for (const { byteLength } of (await world.look()).values()) sum += onDisk(byteLength);
  return sum;
}

/** @param create Returns an empty world that is removed with the test. */
export function storeSuite(what: string, create: () => StoreWorld): void {
  describe(`a store in ${what}`, () => {
    it("returns JSON and bytes by namespace and key, also to another store", async () => {
      const world = create();
      const store = world.open();
      const key = ["sum", "a/../b\0", "\ud800"];
      await store.write("tuning", key, { sizes: [64, 256], best: null });
      await store.write("tuning", "sum", new Uint8Array([1, 2, 3]));
      await store.write("../tuning", "", "");
      for (const one of [store, world.open()]) {
        expect(await one.read("tuning", key)).toEqual({ sizes: [64, 256], best: null });
        expect(await one.read("tuning", "sum")).toStrictEqual(new Uint8Array([1, 2, 3]));
        expect(await one.read("../tuning", "")).toBe("");
        expect(await one.read("shader", "sum")).toBeUndefined();
        expect(one.stats()).toMatchObject({ hits: 3, misses: 1, failures: 0, evicted: 0 });
      }
      expect(store.stats().writes).toBe(3);
      for (const address of (await world.look()).keys()) expect(address).toMatch(/^[0-9a-f]{64}$/);
    });

    it("writes in the order of its calls what key and value were then, and tells when all is written", async () => {
      const world = create();
      const store = world.open();
      const key = ["a"];
      const value = [0];
      for (let i = 0; i < 20; i++) {
        value[0] = i;
        store.write("n", key, value);
      }
      key[0] = "b";
      await store.written();
      expect(await world.open().read("n", ["a"])).toEqual([19]);
      expect(store.stats()).toMatchObject({ writes: 20, failures: 0 });
    });

    it("counts a value that JSON cannot write, and goes on", async () => {
      const store = create().open();
      const circle: JsonValue[] = [];
      circle.push(circle);
      await store.write("a", "b", circle);
      await store.write("a", "b", 1);
      expect(await store.read("a", "b")).toBe(1);
      expect(store.stats()).toMatchObject({ writes: 1, failures: 1 });
    });

    it("never mixes entries of stores that write at once", async () => {
      const world = create();
      const stores = ["ada", "ben", "cleo"].map((name) => ({ name, store: world.open() }));
      await Promise.all(
        stores.map(async ({ name, store }) => {
          for (let round = 0; round < 20; round++) {
            const key = `shared ${round % 3}`;
            await store.write("n", key, { key, name, filling: name.repeat((round * 97) % 1000) });
            await store.write("n", `${name} ${round}`, round);
            const value = (await store.read("n", key)) as { key: string; name: string; filling: string };
            expect(value.key).toBe(key);
            expect(value.filling.replaceAll(value.name, "")).toBe("");
          }
        }),
      );
      const reader = world.open();
      for (const { name, store } of stores) {
        expect(store.stats()).toMatchObject({ writes: 40, failures: 0, misses: 0 });
        for (let round = 0; round < 20; round++) expect(await reader.read("n", `${name} ${round}`)).toBe(round);
      }
      expect((await world.look()).size).toBe(63);
    });

    it("misses and removes an entry that is cut short or has a byte changed, and writes it again", async () => {
      const world = create();
      const store = world.open();
      await store.write("a", "b", { size: 64 });
      const address = await addressOf("b");
      const good = await world.readBytes(address);
      for (let i = 0; i < good.length; i++) {
        const flipped = good.slice();
        flipped[i]! ^= 1 << (i % 8);
        for (const bad of [good.slice(0, i), flipped]) {
          await world.put(address, bad, Date.now());
          expect(await store.read("a", "b")).toBeUndefined();
          expect((await world.look()).size).toBe(0);
        }
      }
      expect(store.stats()).toMatchObject({ hits: 0, misses: 2 * good.length, failures: 2 * good.length });
      await store.write("a", "b", 2);
      expect(await store.read("a", "b")).toBe(2);
    });

    it("misses an entry that lies under another key's address", async () => {
      const world = create();
      const store = world.open();
      await store.write("a", "other", 1);
      await world.put(await addressOf("b"), await world.readBytes(await addressOf("other")), Date.now());
      expect(await store.read("a", "b")).toBeUndefined();
      expect(await store.read("a", "other")).toBe(1);
      expect(store.stats()).toMatchObject({ hits: 1, misses: 1, failures: 1 });
    });

    it("keeps its bound after every write, counting a small entry as a whole block", async () => {
      const maxBytes = 32 * block;
      const world = create();
      const store = world.open({ maxBytes });
      for (let i = 0; i < 60; i++) {
        await store.write("a", `small ${i}`, i);
        await store.write("a", `large ${i}`, new Uint8Array(3 * block));
        expect(await bytesIn(world)).toBeLessThanOrEqual(maxBytes);
      }
      const { evicted, writes, failures } = store.stats();
      expect({ writes, failures }).toEqual({ writes: 120, failures: 0 });
      expect((await world.look()).size).toBe(writes - evicted);
    });

    it("keeps its bound over what other stores left and what is written at once", async () => {
      const maxBytes = 32 * block;
      const world = create();
      const store = world.open({ maxBytes });
      const generous = world.open();
      for (let i = 0; i < 50; i++) await generous.write("a", `before ${i}`, i);
      await Promise.all(Array.from({ length: 100 }, (_, i) => store.write("a", `${i}`, i)));
      expect(await bytesIn(world)).toBeLessThanOrEqual(maxBytes);
      expect(store.stats()).toMatchObject({ writes: 100, failures: 0 });
      expect(await store.read("a", "99")).toBe(99);
    });

    it("removes the least recently used first, and reading is a use", async () => {
      const world = create();
      const store = world.open({ maxBytes: 16 * block });
      const keys = Array.from({ length: 12 }, (_, i) => `${i}`);
      const others = world.open();
      for (const [i, key] of keys.entries()) {
        await others.write("a", key, i);
        await world.setUsed(await addressOf(key), Date.now() - 3 * dayMs + i * 1000);
      }
      expect(await store.read("a", "0")).toBe(0);
      await others.write("a", "12", 12);
      await others.write("a", "13", 13);
      await store.write("a", "new", 1);
      const left = await world.look();
      const gone = [];
      for (const key of keys) if (!left.has(await addressOf(key))) gone.push(key);
      expect(gone).toEqual(["1", "2"]);
      expect(store.stats()).toMatchObject({ evicted: 2, failures: 0 });
    });

    it("marks a use once a day, and corrects a time ahead of the clock", async () => {
      const world = create();
      const store = world.open();
      await store.write("a", "b", 1);
      const address = await addressOf("b");
      for (const [age, isMarked] of [
        [dayMs / 2, false],
        [2 * dayMs, true],
        [-2 * dayMs, true],
      ] as const) {
        await world.setUsed(address, Date.now() - age);
        expect(await store.read("a", "b")).toBe(1);
        const { usedMs } = (await world.look()).get(address)!;
        expect(Math.abs(Date.now() - usedMs) < dayMs / 4).toBe(isMarked);
      }
    });

    it("refuses to write an entry larger than an eighth of its bound", async () => {
      const world = create();
      const store = world.open({ maxBytes: 32 * block });
      await store.write("a", "b", new Uint8Array(4 * block));
      expect(store.stats()).toMatchObject({ writes: 0, failures: 1 });
      expect(store.stats().lastFailure).toBe("The store keeps entries of up to 16384 bytes; this one has 20480.");
      for (const maxBytes of [0, -1, Number.NaN]) {
        const none = world.open({ maxBytes });
        await none.write("a", "b", 1);
        expect(none.stats()).toMatchObject({ writes: 0, failures: 1 });
      }
    });

    it("misses and removes an entry larger than an eighth of its bound, which another store wrote", async () => {
      const world = create();
      await world.open({ maxBytes: 64 * block }).write("a", "b", new Uint8Array(2 * block));
      const store = world.open({ maxBytes: 16 * block });
      expect(await store.read("a", "b")).toBeUndefined();
      expect(store.stats()).toMatchObject({ misses: 1, failures: 1 });
      expect((await world.look()).size).toBe(0);
    });

    it("reads the last value written or nothing, and keeps its bound, in any order of calls and damage", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), (steps) => play(steps, create())),
        { numRuns: 150 },
      );
    });
  });
}

const maxBytes = 16 * block;

const step = fc.record({
  kind: fc.oneof(
    { weight: 5, arbitrary: fc.constant("write") },
    { weight: 4, arbitrary: fc.constant("read") },
    { weight: 2, arbitrary: fc.constantFrom("flip", "cut", "remove") },
  ),
  /** Ten entries of up to two blocks exceed the bound. */
  key: fc.integer({ min: 0, max: 9 }).map(String),
  store: fc.nat({ max: 1 }),
  byteLength: fc.nat({ max: 8000 }),
});

async function play(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[], world: StoreWorld) {
  const stores = [world.open({ maxBytes }), world.open({ maxBytes })];
  /** The value that a read must find, by address. */
  const values = new Map<string, Uint8Array>();
  for (const [time, { kind, key, store, byteLength }] of steps.entries()) {
    const address = await addressOf(key);
    // Long ago and a second apart: the order of use is exact, and each read must mark its entry.
    const usedMs = time * 1000;
    if (kind === "write") {
      const before = await world.look();
      const bytesBefore = await bytesIn(world);
      const value = new Uint8Array(byteLength).fill(time);
      await stores[store]!.write("a", key, value);
      const after = await world.look();
      const gone = [...before.keys()].filter((one) => !after.has(one));
      const stayed = [...before.keys()].filter((one) => after.has(one) && one !== address);
      const lastGone = Math.max(...gone.map((one) => before.get(one)!.usedMs));
      expect(Math.min(...stayed.map((one) => before.get(one)!.usedMs))).toBeGreaterThan(lastGone);
      if (bytesBefore <= 0.75 * maxBytes) expect(gone).toEqual([]);
      expect(await bytesIn(world)).toBeLessThanOrEqual(maxBytes);
      expect(after.has(address)).toBe(true);
      for (const one of gone) values.delete(one);
      values.set(address, value);
      await world.setUsed(address, usedMs);
    } else if (kind === "read") {
      const value = values.get(address);
      expect(await stores[store]!.read("a", key)).toStrictEqual(value);
      const found = (await world.look()).get(address);
      if (value === undefined) {
        expect(found).toBeUndefined();
      } else {
        expect(found!.usedMs).toBeGreaterThan(steps.length * 1000);
        await world.setUsed(address, usedMs);
      }
    } else if (values.delete(address)) {
      const bytes = await world.readBytes(address);
      const offset = byteLength % bytes.length;
      if (kind === "remove") await world.remove(address);
      else if (kind === "cut") await world.put(address, bytes.slice(0, offset), usedMs);
      else await world.put(address, bytes.with(offset, bytes[offset]! ^ 1), usedMs);
    }
  }
}
