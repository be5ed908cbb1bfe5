import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DiskStore } from "./disk-store.js";
import { openStore } from "./open-store.js";
import { entryPath, runWithStore, temporaryFolder } from "./store.test-support.js";
import type { JsonValue } from "./store-entry.js";

const isRoot = process.getuid?.() === 0;
/** Root writes where it wants, so what a mode forbids is tried by somebody else. */
const other = isRoot ? 65_534 : undefined;

function setup(options: { maxBytes?: number } = {}) {
  const folder = temporaryFolder();
  const directory = join(folder, "store");
  return { folder, directory, store: openStore({ directory, ...options }) };
}

const day = 86_400;
const now = () => Date.now() / 1000;
const ageOf = (path: string) => now() - lstatSync(path).mtimeMs / 1000;

function makeOlder(path: string, seconds: number): void {
  utimesSync(path, now() - seconds, now() - seconds);
}

describe("the store on disk", () => {
  it("gives back JSON and bytes, by namespace and key, also to another store", async () => {
    const { store, directory } = setup();
    const key = ["sum", "a/../b\0", "\ud800"];
    await store.write("tuning", key, { sizes: [64, 256], best: null });
    await store.write("tuning", "sum", new Uint8Array([1, 2, 3]));
    await store.write("../tuning", "", "");
    for (const one of [store, openStore({ directory })]) {
      expect(await one.read("tuning", key)).toEqual({ sizes: [64, 256], best: null });
      expect(await one.read("tuning", "sum")).toStrictEqual(new Uint8Array([1, 2, 3]));
      expect(await one.read("../tuning", "")).toBe("");
      expect(await one.read("shader", "sum")).toBeUndefined();
      expect(one.stats()).toMatchObject({ hits: 3, misses: 1, failures: 0, evicted: 0 });
    }
    expect(store.stats().writes).toBe(3);
    expect(readdirSync(directory).every((name) => /^[0-9a-f]{64}\.entry$/.test(name))).toBe(true);
  });

  it("takes effect in the order of its calls, with key and value as they were", async () => {
    const { store } = setup();
    const key = ["a"];
    const value = [0];
    const writes = Array.from({ length: 20 }, (_, i) => {
      value[0] = i;
      return store.write("n", key, value);
    });
    key[0] = "b";
    await Promise.all(writes);
    expect(await store.read("n", ["a"])).toEqual([19]);
    expect(store.stats()).toMatchObject({ writes: 20, failures: 0 });
  });

  it("counts a value that JSON cannot write, and runs on", async () => {
    const { store } = setup();
    const circle: JsonValue[] = [];
    circle.push(circle);
    await store.write("a", "b", circle);
    await store.write("a", "b", 1);
    expect(await store.read("a", "b")).toBe(1);
    expect(store.stats()).toMatchObject({ writes: 1, failures: 1 });
  });

  it("lets only this user read what it makes", async () => {
    const { store, directory } = setup();
    await store.write("a", "b", 1);
    expect(lstatSync(directory).mode & 0o777).toBe(0o700);
    expect(lstatSync(await entryPath(directory, "a", "b")).mode & 0o777).toBe(0o600);
  });

  it.each([0o720, 0o702, 0o777])(
    "refuses a folder that others may write (mode %o), and uses it once they may not",
    async (mode) => {
      const { store, directory } = setup();
      await store.write("a", "b", 1);
      chmodSync(directory, mode);
      await store.write("a", "b", 2);
      expect(await store.read("a", "b")).toBeUndefined();
      expect(store.stats()).toMatchObject({ writes: 1, misses: 1, failures: 2 });
      expect(store.stats().lastFailure).toMatch(/only user \d+ may write.*with mode 7/);
      chmodSync(directory, 0o755);
      expect(await store.read("a", "b")).toBe(1);
    },
  );

  it("refuses a folder of another user", async () => {
    const { folder } = setup();
    if (other !== undefined) chownSync(folder, other, other);
    const directory = other === undefined ? "/usr" : folder;
    const store = openStore({ directory });
    await store.write("a", "b", 1);
    expect(await store.read("a", "b")).toBeUndefined();
    expect(store.stats()).toMatchObject({ writes: 0, misses: 1, failures: 2 });
    if (other !== undefined) expect(readdirSync(folder)).toEqual([]);
  });

  it("reads on, and counts what it cannot write, in a folder that can only be read", async () => {
    const { store, folder, directory } = setup();
    await store.write("a", "good", 1);
    await store.write("a", "damaged", 1);
    for (const key of ["good", "damaged"]) makeOlder(await entryPath(directory, "a", key), 2 * day);
    truncateSync(await entryPath(directory, "a", "damaged"), 50);
    if (other !== undefined) for (const name of readdirSync(directory)) chownSync(join(directory, name), other, other);
    if (other !== undefined) chownSync(directory, other, other);
    chmodSync(directory, 0o500);
    chmodSync(folder, 0o755);
    const code = `
      report([await store.read("a", "good"), await store.read("a", "damaged")]);
      await store.write("a", "new", 1);
      await store.write("a", "good", 2);
    `;
    const { stats, reported } = await runWithStore(code, {
      environment: { KILN_STORE_DIRECTORY: directory },
      userId: other,
    });
    chmodSync(directory, 0o700);
    expect(reported).toEqual([1, null]);
    // The damaged entry, its removal, and two writes.
    expect(stats).toMatchObject({ hits: 1, misses: 1, writes: 0, failures: 4 });
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it("leaves nothing of a write that the disk does not take whole", async () => {
    const { store, directory } = setup();
    await store.write("a", "b", 1);
    const code = `
      await store.write("a", "b", new Uint8Array(100_000));
      await store.write("a", "c", 2);
      report([await store.read("a", "b"), await store.read("a", "c")]);
    `;
    const environment = { KILN_STORE_DIRECTORY: directory };
    const { stats, reported } = await runWithStore(code, { environment, maxFileBlocks: 8 });
    expect(reported).toEqual([1, 2]);
    expect(stats).toMatchObject({ writes: 1, failures: 1 });
    expect(readdirSync(directory)).toHaveLength(2);
  });
});

describe("a damaged or foreign entry", () => {
  async function missesAndRebuilds(store: DiskStore): Promise<void> {
    const { misses, failures } = store.stats();
    expect(await store.read("a", "b")).toBeUndefined();
    expect(store.stats()).toMatchObject({ misses: misses + 1, failures: failures + 1 });
    await store.write("a", "b", 2);
    expect(await store.read("a", "b")).toBe(2);
    expect(store.stats().failures).toBe(failures + 1);
  }

  it("is a miss, is removed and is made again, wherever it was cut short and whichever byte was changed", async () => {
    const { store, directory } = setup();
    await store.write("a", "b", { size: 64 });
    const path = await entryPath(directory, "a", "b");
    const good = readFileSync(path);
    for (let i = 0; i < good.length; i++) {
      const flipped = Buffer.from(good);
      flipped[i]! ^= 1 << (i % 8);
      for (const bad of [good.subarray(0, i), flipped]) {
        writeFileSync(path, bad);
        expect(await store.read("a", "b")).toBeUndefined();
        expect(existsSync(path)).toBe(false);
      }
    }
    expect(store.stats()).toMatchObject({ hits: 0, misses: 2 * good.length, failures: 2 * good.length });
    writeFileSync(path, good.subarray(1));
    await missesAndRebuilds(store);
  });

  it("is another key's entry under this one's name", async () => {
    const { store, directory } = setup();
    await store.write("a", "other", 1);
    writeFileSync(await entryPath(directory, "a", "b"), readFileSync(await entryPath(directory, "a", "other")));
    await missesAndRebuilds(store);
    expect(await store.read("a", "other")).toBe(1);
  });

  it("is a link, which is not followed, be it to a good entry", async () => {
    const { store, folder, directory } = setup();
    await store.write("a", "b", 1);
    const path = await entryPath(directory, "a", "b");
    const target = join(folder, "target");
    writeFileSync(target, readFileSync(path));
    rmSync(path);
    symlinkSync(target, path);
    await missesAndRebuilds(store);
    expect(lstatSync(path).isFile()).toBe(true);
    expect(readFileSync(target, "utf8")).toMatch(/\n1$/);
  });

  it("is a pipe, which is not waited for", async () => {
    const { store, directory } = setup();
    await store.write("a", "other", 1);
    execFileSync("/bin/sh", ["-c", 'mkfifo "$0"', await entryPath(directory, "a", "b")]);
    await missesAndRebuilds(store);
  });

  it("is a folder", async () => {
    const { store, directory } = setup();
    await store.write("a", "other", 1);
    mkdirSync(await entryPath(directory, "a", "b"));
    await missesAndRebuilds(store);
  });

  it("is a folder with something in it, which stays: that key is not kept", async () => {
    const { store, directory } = setup();
    await store.write("a", "other", 1);
    const path = await entryPath(directory, "a", "b");
    mkdirSync(path);
    writeFileSync(join(path, "mine"), "");
    expect(await store.read("a", "b")).toBeUndefined();
    await store.write("a", "b", 1);
    expect(await store.read("a", "b")).toBeUndefined();
    expect(await store.read("a", "other")).toBe(1);
    expect(readdirSync(path)).toEqual(["mine"]);
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it("is a file of a terabyte, of which nothing is read", async () => {
    const { store, directory } = setup();
    await store.write("a", "other", 1);
    const path = await entryPath(directory, "a", "b");
    writeFileSync(path, "");
    // Sparse: it takes no room.
    truncateSync(path, 2 ** 40);
    const before = process.memoryUsage().arrayBuffers;
    expect(await store.read("a", "b")).toBeUndefined();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    expect(existsSync(path)).toBe(false);
    await store.write("a", "b", 2);
    expect(await store.read("a", "b")).toBe(2);
  });
});

describe("the bound of the store", () => {
  const block = 4096;
  const bytesIn = (directory: string) =>
    readdirSync(directory)
      .map((name) => Math.ceil(lstatSync(join(directory, name)).size / block) * block)
      .reduce((sum, size) => sum + size, 0);

  it("holds after every write, where small entries count as the block that they take", async () => {
    const maxBytes = 32 * block;
    const { store, directory } = setup({ maxBytes });
    for (let i = 0; i < 60; i++) {
      await store.write("a", `small ${i}`, i);
      await store.write("a", `large ${i}`, new Uint8Array(3 * block));
      expect(bytesIn(directory)).toBeLessThanOrEqual(maxBytes);
    }
    const { evicted, writes, failures } = store.stats();
    expect({ writes, failures }).toEqual({ writes: 120, failures: 0 });
    expect(readdirSync(directory)).toHaveLength(writes - evicted);
  });

  it("holds when all is written at once, and for what other stores have left", async () => {
    const maxBytes = 32 * block;
    const { store, directory } = setup({ maxBytes });
    const generous = openStore({ directory });
    for (let i = 0; i < 50; i++) await generous.write("a", `before ${i}`, i);
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.write("a", `${i}`, i)));
    expect(bytesIn(directory)).toBeLessThanOrEqual(maxBytes);
    expect(store.stats()).toMatchObject({ writes: 100, failures: 0 });
    expect(await store.read("a", "99")).toBe(99);
  });

  it("removes the least recently used first, where reading is a use", async () => {
    const { store, directory } = setup({ maxBytes: 16 * block });
    const keys = Array.from({ length: 12 }, (_, i) => `${i}`);
    const others = openStore({ directory });
    for (const [i, key] of keys.entries()) {
      await others.write("a", key, i);
      makeOlder(await entryPath(directory, "a", key), 3 * day - i);
    }
    expect(await store.read("a", "0")).toBe(0);
    await others.write("a", "12", 12);
    await others.write("a", "13", 13);
    await store.write("a", "new", 1);
    const left = await Promise.all(keys.map(async (key) => existsSync(await entryPath(directory, "a", key))));
    expect(left.flatMap((isLeft, i) => (isLeft ? [] : [i]))).toEqual([1, 2]);
    expect(store.stats()).toMatchObject({ evicted: 2, failures: 0 });
  });

  it("marks a use once a day, and puts a time ahead of the clock right", async () => {
    const { store, directory } = setup();
    await store.write("a", "b", 1);
    const path = await entryPath(directory, "a", "b");
    for (const [age, isMarked] of [
      [day / 2, false],
      [2 * day, true],
      [-2 * day, true],
    ] as const) {
      makeOlder(path, age);
      expect(await store.read("a", "b")).toBe(1);
      expect(Math.abs(ageOf(path)) < day / 4).toBe(isMarked);
    }
  });

  it("refuses an entry of more than an eighth, which would push out too many others", async () => {
    const { store, directory } = setup({ maxBytes: 32 * block });
    await store.write("a", "b", new Uint8Array(4 * block));
    expect(store.stats()).toMatchObject({ writes: 0, failures: 1 });
    expect(store.stats().lastFailure).toBe("The store keeps entries of up to 16384 bytes; one of 20480 was given.");
    for (const maxBytes of [0, -1, Number.NaN]) {
      const none = openStore({ directory, maxBytes });
      await none.write("a", "b", 1);
      expect(none.stats()).toMatchObject({ writes: 0, failures: 1 });
    }
  });

  it("removes what dead writers have left, and nothing that is not the store's", async () => {
    const { folder, directory, store } = setup({ maxBytes: 16 * block });
    const others = openStore({ directory });
    await others.write("a", "b", 1);
    const path = await entryPath(directory, "a", "b");
    const [dead, alive] = [`${path}.${crypto.randomUUID()}`, `${path}.${crypto.randomUUID()}`];
    const foreign = ["notes.txt", "0".repeat(64), `${"0".repeat(64)}.entry.bak`].map((name) => join(directory, name));
    for (const one of [dead, alive, ...foreign]) writeFileSync(one, new Uint8Array(20 * block));
    for (const one of [dead, ...foreign]) makeOlder(one, 2 * day);
    mkdirSync(join(directory, `${"1".repeat(64)}.entry`));
    symlinkSync(folder, join(directory, `${"2".repeat(64)}.entry`));
    await store.write("a", "c", 1);
    expect(existsSync(dead)).toBe(false);
    for (const one of [alive, path, ...foreign]) expect(existsSync(one)).toBe(true);
    expect(readdirSync(directory)).toHaveLength(8);
    expect(store.stats()).toMatchObject({ writes: 1, failures: 0, evicted: 0 });
  });
});
