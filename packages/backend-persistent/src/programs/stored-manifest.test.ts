import { loadProgram } from "@kiln-gpu/shader";
import { openStore } from "@kiln-gpu/store";
import { useStoreFolder } from "@kiln-gpu/test-support/node";
import { expect, test } from "vitest";
import type { Variant } from "./manifest.js";
import { addressOf } from "./pipeline-cache.js";
import { ProgramHistory } from "./program-history.js";
import { StoredManifest } from "./stored-manifest.js";

const directory = useStoreFolder();

/** What one process has of the manifest. */
function openManifest() {
  const history = new ProgramHistory();
  const manifest = new StoredManifest(openStore({ directory: directory() }), "test", history);
  const use = async (label: string, variant: Variant = "whole") => {
    const wgsl = `@compute @workgroup_size(1) fn ${label}() {}`;
    const program = { ...(await loadProgram({ wgsl }, label)), label };
    history.add(await addressOf(program, "whole"), program, variant);
  };
  /** For how many starts in a row each program has not been used. */
  const ages = async () => {
    const kept = await manifest.read();
    return Object.fromEntries(kept.map(({ label, unusedStarts }) => [label, unusedStarts]));
  };
  return { manifest, use, ages };
}

/** A process that uses the programs of these labels. */
async function start(...labels: string[]): Promise<void> {
  const { manifest, use } = openManifest();
  for (const label of labels) await use(label);
  await manifest.close();
}

test("a manifest keeps a program that ten starts in a row did not use, and lets it go after the eleventh", async () => {
  await start("used", "unused");
  for (let i = 1; i <= 10; i += 1) {
    await start("used");
    expect(await openManifest().ages()).toEqual({ used: 0, unused: i });
  }
  await start("used");
  expect(await openManifest().ages()).toEqual({ used: 0 });
});

test("a program that is used again is as if it had been used all the time", async () => {
  await start("a");
  await start();
  await start();
  expect(await openManifest().ages()).toEqual({ a: 2 });
  await start("a");
  expect(await openManifest().ages()).toEqual({ a: 0 });
});

test("a process ages a manifest once, however often it writes it", async () => {
  await start("a");
  const { manifest, use, ages } = openManifest();
  for (const label of ["b", "c"]) {
    await use(label);
    await manifest.close();
    expect(await ages()).toMatchObject({ a: 1 });
  }
});

test("the variants of a program that other processes have used stay beside one's own", async () => {
  for (const variant of ["split", "whole"] as const) {
    const { manifest, use } = openManifest();
    await use("a", variant);
    await manifest.close();
  }
  const [program] = await openManifest().manifest.read();
  expect([...program!.variants].sort()).toEqual(["split", "whole"]);
});
