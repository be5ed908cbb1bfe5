/**
 * Runs the suite with garbage collected at any moment. An object that native WebGPU still needs and JavaScript no
 * longer holds would end the process or hang a run. With `KILN_LONG=1` the whole suite runs, for about nine minutes;
 * otherwise the part with most work in flight.
 */
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { lease, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, saxpy } from "@kiln-gpu/kernels";
import { expectNothingLive, expectSame, isLongRun, RandomData, software } from "@kiln-gpu/test-support";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { describeCancellation } from "../promises/cancellation.js";
import { describeConcurrency } from "../promises/concurrency.js";
import { conformance } from "../promises/conformance.js";
import { describeFaults } from "../promises/faults.js";
import { describeLifecycle } from "../promises/lifecycle.js";
import { collectGarbage } from "../support/collect-garbage.js";
import type { Suite } from "../support/suite.js";

// A full collection takes ten milliseconds, more on a busy machine; some tests wait for thousands.
vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 600_000 });

const suite: Suite = {
  name: "persistent",
  open: openPersistentBackend,
  capabilities: { adoptsDevice: true, keepsResources: true },
  manyRuns: 60,
};

describe("while garbage is collected continuously,", () => {
  let end: ReturnType<typeof collectGarbage>;
  beforeAll(() => {
    end = collectGarbage(20);
  });
  afterAll(() => {
    expect(end()).toBeGreaterThan(100);
  });

  if (isLongRun) conformance(suite);
  else for (const each of [describeCancellation, describeConcurrency, describeFaults, describeLifecycle]) each(suite);
});

it("a backend works from opening to dispose with a full collection at every await", async () => {
  const end = collectGarbage(1);
  try {
    const gpu = await openPersistentBackend({ ...software, store: false });
    const data = new RandomData(71);
    const [x, y] = [data.floats(500), data.floats(500)];
    const [first, second] = await Promise.all([
      gpu.run(fieldAdd, { a: x, b: y, c: output(Float32Array, 500) }),
      gpu.run(fieldAdd, { a: y, b: x, c: lease(Float32Array, 500) }),
    ]);
    expectSame(first.c, fieldAddReference(x, y));
    expectSame(second.c.data, fieldAddReference(y, x));
    second.c.release();
    const staged = await gpu.stage(Float32Array, 500);
    staged.data.set(x);
    const sum = await gpu.array(y);
    // y = 0 x + y, which reads all of the staged memory.
    await gpu.run(saxpy, { alpha: 0, x: staged, y: sum });
    const sequence = await gpu.record({ c: output(Float32Array, 500) }, (run, { c }) =>
      run(fieldAdd, { a: x, b: sum, c }),
    );
    expectSame((await sequence.replay()).c, fieldAddReference(x, y));
    await gpu.dispose();
    expectNothingLive(gpu);
  } finally {
    expect(end()).toBeGreaterThan(100);
  }
});
