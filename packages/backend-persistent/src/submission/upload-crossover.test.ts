import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { output } from "@kiln-gpu/core";
import { fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import { expectNothingLive, expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openPersistentBackend, type PersistentBackendOptions } from "../index.js";

const data = new RandomData(71);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "kiln-crossover-"));
  vi.stubEnv("KILN_STORE", "on");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

/** Adds arrays of these lengths, several at once, and gives what is kept of the measurement. */
async function addAll(lengths: readonly number[], options: PersistentBackendOptions): Promise<string[]> {
  const gpu = await openPersistentBackend({ ...software, store: { directory }, ...options });
  try {
    for (const length of [...lengths, ...lengths]) {
      await Promise.all(
        Array.from({ length: 3 }, async () => {
          const [a, b] = [data.floats(length), data.floats(length)];
          const { c } = await gpu.run(fieldAddSpirv, { a, b, c: output(Float32Array, length) });
          expectSame(c, fieldAddReference(a, b));
        }),
      );
    }
  } finally {
    await gpu.dispose();
    expectNothingLive(gpu);
  }
  const names = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith(".entry"));
  const entries = await Promise.all(names.map((name) => readFile(path.join(directory, name), "utf8")));
  return entries.filter((entry) => entry.includes('"upload-crossover"'));
}

describe("the way of an upload to the device", () => {
  it("is measured when one first depends on it, kept in the store, and right on both sides of it", async () => {
    expect(await addAll([64, 500], {})).toHaveLength(0);
    expect(await addAll([64, 3000, 10_000, 30_000, 100_000, 1000], {})).toHaveLength(1);
    expect(await addAll([10_000, 100], {})).toHaveLength(1);
  });

  it("is some way where nothing can be measured", async () => {
    expect(await addAll([3000, 4000], { byteBudget: 400_000 })).toHaveLength(0);
    expect(await addAll([3000, 30_000], { store: false })).toHaveLength(0);
  });
});
