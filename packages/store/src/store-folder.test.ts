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
import { FolderWorld } from "./folder-world.test-support.js";
import { openStore } from "./open-store.js";
import type { Store } from "./store.js";
import { entryPath, runWithStore, temporaryFolder } from "./store.test-support.js";
import { storeSuite } from "./store-suite.test-support.js";

const isRoot = process.getuid?.() === 0;
/** Root may write anywhere, so another user tries what a mode forbids. */
const other = isRoot ? 65_534 : undefined;

function setup(options: { maxBytes?: number } = {}) {
  const folder = temporaryFolder();
  const directory = join(folder, "store");
  return { folder, directory, store: openStore({ directory, ...options }) };
}

const day = 86_400;
const now = () => Date.now() / 1000;

function makeOlder(path: string, seconds: number): void {
  utimesSync(path, now() - seconds, now() - seconds);
}

storeSuite("a folder", () => new FolderWorld());

describe("the store in a folder", () => {
  it("makes files and folders that only this user may read", async () => {
    const { store, directory } = setup();
    await store.write("a", "b", 1);
    expect(lstatSync(directory).mode & 0o777).toBe(0o700);
    expect(lstatSync(await entryPath(directory, "a", "b")).mode & 0o777).toBe(0o600);
  });

  it.each([0o720, 0o702, 0o777])(
    "refuses a folder that others may write (mode %o), and uses it once they may not any more",
    async (mode) => {
      const { store, directory } = setup();
      await store.write("a", "b", 1);
      chmodSync(directory, mode);
      await store.write("a", "b", 2);
      expect(await store.read("a", "b")).toBeUndefined();
      expect(store.stats()).toMatchObject({ writes: 1, misses: 1, failures: 2 });
      expect(store.stats().lastFailure).toMatch(/only user \d+ may write; .* belongs to user \d+ and has mode 7/);
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

  it("reads from a read-only folder, and counts what it cannot write", async () => {
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
    // The damaged entry, its removal, and the two writes.
    expect(stats).toMatchObject({ hits: 1, misses: 1, writes: 0, failures: 4 });
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it.skipIf(process.platform !== "linux")("gives up on a folder that cannot be made", async () => {
    const code = `
      await store.write("a", "b", 1);
      report(await store.read("a", "b") === undefined);
    `;
    const { stats, reported } = await runWithStore(code, { environment: { KILN_STORE_DIRECTORY: "/proc/kiln/store" } });
    expect(reported).toBe(true);
    expect(stats).toMatchObject({ writes: 0, misses: 1, failures: 1 });
    expect(stats.lastFailure).toMatch(/ENOENT.*mkdir '\/proc\/kiln'/);
  });

  it("leaves nothing of a write that the disk takes only in part", async () => {
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
  async function missesAndRebuilds(store: Store): Promise<void> {
    const { misses, failures } = store.stats();
    expect(await store.read("a", "b")).toBeUndefined();
    expect(store.stats()).toMatchObject({ misses: misses + 1, failures: failures + 1 });
    await store.write("a", "b", 2);
    expect(await store.read("a", "b")).toBe(2);
    expect(store.stats().failures).toBe(failures + 1);
  }

  it("is a link, which is not followed, even to a good entry", async () => {
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

  it("is a folder with something in it, which stays; its key is not kept", async () => {
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

  it("is a file of a terabyte, which is not read", async () => {
    const { store, directory } = setup();
    await store.write("a", "other", 1);
    const path = await entryPath(directory, "a", "b");
    writeFileSync(path, "");
    // Sparse: it takes no space.
    truncateSync(path, 2 ** 40);
    expect(await store.read("a", "b")).toBeUndefined();
    expect(existsSync(path)).toBe(false);
    await store.write("a", "b", 2);
    expect(await store.read("a", "b")).toBe(2);
  });
});

describe("room in the folder", () => {
  const block = 4096;

  it("removes the files of dead writers, and nothing that is not the store's", async () => {
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
