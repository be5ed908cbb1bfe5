import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@kiln-gpu/store";
import { expect, it, onTestFinished, vi } from "vitest";
import { createProject } from "./project.test-support.js";

async function createStore() {
  vi.stubEnv("KILN_STORE", undefined);
  const directory = await mkdtemp(join(tmpdir(), "cache-command-"));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
  });
  const store = openStore({ directory });
  await store.write("tuning", "sum", 256);
  await store.write("tuning", "scan", 128);
  await store.write("programs", "sum", new Uint8Array(3000));
  return directory;
}

it("shows how much each kind takes, lists the entries, and removes them", async () => {
  const directory = await createStore();
  const project = await createProject();
  const run = (...args: string[]) => project.run("cache", ...args, "--directory", directory);
  const size = await run();
  expect(size).toMatchObject({ code: 0, errors: "" });
  expect(size.output).toMatch(
    new RegExp(
      `^${directory}: 3 entries, 3\\.\\d KiB\n  programs  1 entry +3\\.\\d KiB\n  tuning    2 entries  \\d+ bytes\n$`,
    ),
  );
  const list = (await run("list")).output.trimEnd().split("\n");
  expect(list).toHaveLength(4);
  expect(list[1]).toMatch(/^ {2}20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d +(programs|tuning) +\S+ (bytes|KiB) +[0-9a-f]{12}$/);
  const { count, kinds } = JSON.parse((await run("size", "--json")).output);
  expect([count, kinds[0].namespace]).toEqual([3, "programs"]);
  expect(await run("clear")).toEqual({ code: 0, output: `3 entries removed from ${directory}.\n`, errors: "" });
  expect((await run()).output).toBe(`${directory}: 0 entries, 0 bytes\n`);
});

it("says that the store is off, and refuses what it does not know", async () => {
  const project = await createProject();
  expect((await project.run("cache")).output).toBe("The store is off: the environment variable KILN_STORE says so.\n");
  const { code, errors } = await project.run("cache", "purge");
  expect([code, errors]).toEqual([2, 'The action must be size, list or clear; got "purge".\n']);
});
