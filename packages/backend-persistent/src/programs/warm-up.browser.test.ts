import { fieldAddReference, runFieldAdd, runSum } from "@kiln-gpu/kernels";
import { expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { expect, it } from "vitest";
import { openPersistentBackend } from "../index.js";

it("a page that is opened again translates nothing, and compiles ahead what it compiled before", async () => {
  const data = new RandomData(81);
  const [a, b] = [data.floats(700), data.floats(700)];
  // All test files share one origin, and so the default store.
  const directory = `kiln-warm-up-${crypto.randomUUID()}`;
  const visit = async () => {
    const gpu = await openPersistentBackend({ ...software, warmUp: "page", store: { directory } });
    try {
      expectSame(await runFieldAdd(gpu, a, b), fieldAddReference(a, b));
      await runSum(gpu, a, { from: "spirv" });
      const { store, pipelines } = gpu.stats();
      return { programs: store.programs, warmed: pipelines.warmed, made: pipelines.made };
    } finally {
      await gpu.dispose();
    }
  };
  const first = await visit();
  expect(first.warmed).toBe(0);
  const second = await visit();
  expect(second.made).toBe(first.made);
  expect(second.warmed).toBeGreaterThan(0);
  expect(second.programs).toBeGreaterThan(first.programs);
});
