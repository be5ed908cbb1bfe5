/** Arrays of every size between the two processes. */
import { inout, type Lease, lease, output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, saxpy } from "@kiln-gpu/kernels";
import { expectError, expectSame, RandomData } from "@kiln-gpu/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSoftware } from "./children.test-support.js";
import { minSharedBytes } from "./shared-memory.js";

const data = new RandomData(92);
const most = minSharedBytes / 4;

describe("arrays", () => {
  let gpu: Awaited<ReturnType<typeof openSoftware>>;
  beforeAll(async () => {
    gpu = await openSoftware();
  });
  afterAll(() => gpu.dispose());

  it.each([1, most - 1, most, most + 1, 4 * most + 3])("of %d elements arrive, many at a time", async (n) => {
    const [a, b] = [data.floats(n), data.floats(n)];
    const runs = Array.from({ length: 6 }, (_, i) =>
      gpu.run(fieldAdd, { a: i % 2 === 0 ? a : b, b, c: output(Float32Array, n) }),
    );
    for (const [i, run] of runs.entries()) expectSame((await run).c, fieldAddReference(i % 2 === 0 ? a : b, b));
  });

  it("of the caller are not touched, and results are the caller's own", async () => {
    const n = most + 5;
    const shared = new Float32Array(new SharedArrayBuffer(4 * n));
    const y = data.floats(n);
    shared.set(data.floats(n));
    const into = new Float32Array(n);
    const given = shared.slice();
    const first = await gpu.run(fieldAdd, { a: shared, b: y, c: output(Float32Array, n, { into }) });
    const held = await gpu.run(fieldAdd, { a: shared, b: y, c: lease(Float32Array, n) });
    const scaled = await gpu.run(saxpy, { alpha: 1, x: shared, y: inout(y) });
    const leased = held.c as Lease;
    expect(first.c).toBe(into);
    for (const sum of [into, leased.data, scaled.y]) expectSame(sum, fieldAddReference(given, y));
    expectSame(shared, given);
    expect(scaled.y).not.toBe(y);
    expect(scaled.y.buffer.byteLength).toBe(4 * n);
    leased.release();
    await expectError(() => leased.data, "disposed");
  });
});
