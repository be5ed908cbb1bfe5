import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { openStore } from "./open-store.js";
import { entryPath } from "./store.test-support.js";

const numRuns = 150;
const block = 4096;
const maxBytes = 16 * block;

const step = fc.record({
  kind: fc.oneof(
    { weight: 5, arbitrary: fc.constant("write") },
    { weight: 4, arbitrary: fc.constant("read") },
    { weight: 2, arbitrary: fc.constantFrom("flip", "cut", "remove", "make a folder") },
  ),
  /** Ten entries of up to two blocks are more than the bound. */
  key: fc.integer({ min: 0, max: 9 }).map(String),
  store: fc.nat({ max: 1 }),
  byteLength: fc.nat({ max: 8000 }),
});

const statsOf = (path: string) => lstatSync(path, { throwIfNoEntry: false });

/** When each plain file in the folder was last used, and the disk that they take together. */
function look(directory: string) {
  const usedAt = new Map<string, number>();
  let byteLength = 0;
  for (const name of readdirSync(directory)) {
    if (!/^[0-9a-f]{64}\.entry$/.test(name)) throw new Error(`A file is left: ${name}.`);
    const found = lstatSync(join(directory, name));
    if (!found.isFile()) continue;
    usedAt.set(join(directory, name), found.mtimeMs);
    byteLength += Math.ceil(found.size / block) * block;
  }
  return { usedAt, byteLength };
}

async function play(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[], directory: string) {
  const stores = [openStore({ directory, maxBytes }), openStore({ directory, maxBytes })];
  /** What a read must find, by the entry's path. */
  const values = new Map<string, Uint8Array>();
  for (const [time, { kind, key, store, byteLength }] of steps.entries()) {
    const path = await entryPath(directory, "n", key);
    // Long ago and a second apart, so that the order of use is exact and each read has to mark its entry.
    const use = () => utimesSync(path, time, time);
    if (kind === "write") {
      const isBlocked = statsOf(path)?.isDirectory() === true;
      const before = look(directory);
      const value = new Uint8Array(byteLength).fill(time);
      await stores[store]!.write("n", key, value);
      const after = look(directory);
      const gone = [...before.usedAt.keys()].filter((one) => !after.usedAt.has(one));
      const stayed = [...before.usedAt.keys()].filter((one) => after.usedAt.has(one) && one !== path);
      const lastGone = Math.max(...gone.map((one) => before.usedAt.get(one)!));
      expect(Math.min(...stayed.map((one) => before.usedAt.get(one)!))).toBeGreaterThan(lastGone);
      if (before.byteLength <= 0.75 * maxBytes) expect(gone).toEqual([]);
      expect(after.byteLength).toBeLessThanOrEqual(maxBytes);
      expect(after.usedAt.has(path)).toBe(!isBlocked);
      for (const one of gone) values.delete(one);
      if (isBlocked) continue;
      values.set(path, value);
      use();
    } else if (kind === "read") {
      const value = values.get(path);
      expect(await stores[store]!.read("n", key)).toStrictEqual(value);
      if (value === undefined) {
        expect(statsOf(path)).toBeUndefined();
      } else {
        expect(statsOf(path)!.mtimeMs).toBeGreaterThan(steps.length * 1000);
        use();
      }
    } else if (values.delete(path)) {
      const bytes = readFileSync(path);
      const place = byteLength % bytes.length;
      if (kind === "flip") {
        bytes[place]! ^= 1;
        writeFileSync(path, bytes);
      } else if (kind === "cut") {
        truncateSync(path, place);
      } else {
        rmSync(path);
        if (kind === "make a folder") mkdirSync(path);
      }
      if (kind === "flip" || kind === "cut") use();
    }
  }
}

it("reads what was last written or nothing, and keeps its bound, in any order of calls and damage", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const directory = mkdtempSync(join(tmpdir(), "kiln-store-"));
      try {
        await play(steps, directory);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }),
    { numRuns },
  );
});
