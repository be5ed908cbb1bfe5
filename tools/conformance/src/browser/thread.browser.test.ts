import { openThreadBackend } from "@kiln-gpu/backend-thread";
import { fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
import { expectError, expectSame, RandomData } from "@kiln-gpu/test-support";
import { expect, it } from "vitest";

it("a worker of a page serves its runs, and results of every size are the page's own", async () => {
  const worker = new Worker(new URL("./gpu-worker.ts", import.meta.url), { type: "module" });
  const gpu = await openThreadBackend(worker);
  const data = new RandomData(93);
  for (const n of [1, 1000, 100_000]) {
    const [a, b] = [data.floats(n), data.floats(n)];
    const sums = await Promise.all([runFieldAdd(gpu, a, b), runFieldAdd(gpu, a, b)]);
    for (const sum of sums) expectSame(sum, fieldAddReference(a, b));
    expect(a).toHaveLength(n);
  }
  await gpu.dispose();
  await expectError(runFieldAdd(gpu, data.floats(1), data.floats(1)), "disposed", /The thread backend is disposed/);
  worker.terminate();
});
