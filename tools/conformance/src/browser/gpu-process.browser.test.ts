/** A page's work when the browser's GPU process dies: after a driver fault, or when a background tab is discarded. */

import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import { eventually, expectError, expectNothingLive, expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { expect, it } from "vitest";
import { commands } from "vitest/browser";

declare module "vitest/browser" {
  interface BrowserCommands {
    crashGpuProcess(): Promise<void>;
  }
}

const data = new RandomData(80);
const [a, b] = [data.floats(1000), data.floats(1000)];
const expected = fieldAddReference(a, b);

it("a persistent backend continues each time the GPU process dies", async () => {
  const gpu = await openPersistentBackend({ ...software, store: false });
  const lost: unknown[] = [];
  gpu.on("lost", (event) => lost.push(event));
  for (let round = 1; round <= 3; round += 1) {
    const before = Array.from({ length: 20 }, () => runFieldAdd(gpu, a, b));
    await commands.crashGpuProcess();
    for (const c of await Promise.all(before)) expectSame(c, expected);
    await eventually(() => expect(lost).toHaveLength(round));
    expectSame(await runFieldAdd(gpu, a, b), expected);
  }
  await gpu.dispose();
  expectNothingLive(gpu);
});

it("a recoverable array is restored, and another is lost by name", async () => {
  const gpu = await openPersistentBackend({ ...software, store: false });
  const kept = await gpu.array(a, { label: "kept", recoverable: true });
  const gone = await gpu.array(b, { label: "gone" });
  const recovered = new Promise((resolve) => gpu.on("recovered", resolve));
  await commands.crashGpuProcess();
  await recovered;
  expectSame(await kept.read(), a);
  await expectError(gone.read(), "device-lost", /"gone"/);
  kept.dispose();
  gone.dispose();
  await gpu.dispose();
  expectNothingLive(gpu);
});

it("a one-shot backend loses at most the run during which the GPU process dies", async () => {
  const gpu = await openOneShotBackend(software);
  const add = () =>
    runFieldAdd(gpu, a, b).then(
      (c) => {
        expectSame(c, expected);
        return 0;
      },
      (error: unknown) => {
        expect(error).toMatchObject({ code: "device-lost" });
        return 1;
      },
    );
  for (let round = 0; round < 3; round += 1) {
    const first = add();
    // The command resolves before the process is gone, so a later run may fail instead.
    await commands.crashGpuProcess();
    expect((await first) + (await add()) + (await add())).toBeLessThanOrEqual(1);
  }
  await gpu.dispose();
  expectNothingLive(gpu);
});
