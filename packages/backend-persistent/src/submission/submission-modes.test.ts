import { output } from "@kiln-gpu/core";
import { fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import { expectNothingLive, expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { openPersistentBackend, type PersistentBackendOptions } from "../index.js";

const data = new RandomData(67);

/** Asks for `count` runs in one tick; gives the submissions that there were at once, and in the end. */
async function submissionsOf(options: PersistentBackendOptions, count: number): Promise<[atOnce: number, all: number]> {
  const gpu = await openPersistentBackend({ ...software, ...options });
  const add = async () => {
    const [a, b] = [data.floats(100), data.floats(100)];
    const { c } = await gpu.run(fieldAddSpirv, { a, b, c: output(Float32Array, 100) });
    expectSame(c, fieldAddReference(a, b));
  };
  try {
    // Warm, so that nothing has to be compiled or allocated first.
    for (let i = 0; i < 3; i += 1) await Promise.all(Array.from({ length: count }, add));
    const before = gpu.stats().submissions;
    const runs = Array.from({ length: count }, add);
    const atOnce = gpu.stats().submissions - before;
    await Promise.all(runs);
    return [atOnce, gpu.stats().submissions - before];
  } finally {
    await gpu.dispose();
    expectNothingLive(gpu);
  }
}

describe("the mode of submission", () => {
  it("throughput lets the runs of one tick share one", async () => {
    expect(await submissionsOf({}, 20)).toEqual([0, 1]);
    expect(await submissionsOf({ mode: "throughput" }, 1)).toEqual([0, 1]);
  });

  it("latency submits inside the call while a slot is free, and what finds none free shares the next", async () => {
    expect(await submissionsOf({ mode: "latency" }, 1)).toEqual([1, 1]);
    expect(await submissionsOf({ mode: "latency", maxSubmissions: 2 }, 2)).toEqual([2, 2]);
    const [atOnce, all] = await submissionsOf({ mode: "latency", maxSubmissions: 2 }, 20);
    expect(atOnce).toBe(2);
    expect(all).toBeGreaterThan(2);
    expect(all).toBeLessThan(20);
  });
});
