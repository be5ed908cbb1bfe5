import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { clearStore, openStore, surveyStore } from "./index.js";

/** The tests of this repository turn the store off. */
function turnStoreOn(): void {
  vi.stubEnv("KILN_STORE", undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
}

async function createFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "survey-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

it("lists the entries of a folder by namespace, and removes them", async () => {
  turnStoreOn();
  const directory = await createFolder();
  expect(await surveyStore({ directory })).toEqual({ directory, entries: [] });
  const store = openStore({ directory });
  await store.write("tuning", "sum", 256);
  await store.write("programs", ["a", "b"], Uint8Array.of(1, 2, 3));
  const broken = "0".repeat(64);
  await writeFile(join(directory, `${broken}.entry`), "not an entry");
  await writeFile(join(directory, "notes.txt"), "someone else's");
  const { entries } = (await surveyStore({ directory }))!;
  expect(entries.map(({ namespace }) => namespace).sort()).toEqual(["programs", "tuning", undefined]);
  expect(entries[0]).toMatchObject({ address: broken, namespace: undefined, byteLength: 12 });
  expect(Math.abs(entries[0]!.usedMs - Date.now())).toBeLessThan(3_600_000);
  expect(await clearStore({ directory })).toBe(3);
  expect((await surveyStore({ directory }))!.entries).toEqual([]);
  expect(await store.read("tuning", "sum")).toBeUndefined();
});

it("has nothing to list where the environment turns the store off", async () => {
  const directory = await createFolder();
  expect(await surveyStore({ directory })).toBeUndefined();
  expect(await clearStore({ directory })).toBe(0);
});

it("says so if other users may write in the folder", async () => {
  turnStoreOn();
  const directory = await createFolder();
  await chmod(directory, 0o777);
  await expect(surveyStore({ directory })).rejects.toThrow(/only user \d+ may write/);
});
