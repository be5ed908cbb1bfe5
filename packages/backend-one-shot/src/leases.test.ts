import { lease } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference } from "@kiln-gpu/kernels";
import { expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { openOneShotBackend } from "./index.js";

const data = new RandomData(24);

describe("a lease", () => {
  const add = (length: number) => ({ a: data.floats(length), b: data.floats(length), c: lease(Float32Array, length) });

  it("is one of a copy on a backend that keeps no memory, and empty where the result is", async () => {
    const oneShot = await openOneShotBackend(software);
    const bindings = add(100);
    const { c } = await oneShot.run(fieldAdd, bindings);
    expectSame(c.data, fieldAddReference(bindings.a, bindings.b));
    c.release();
    expect(() => c.data).toThrow(expect.objectContaining({ code: "disposed" }));
    expect((await oneShot.run(fieldAdd, add(0))).c.data.length).toBe(0);
    await oneShot.dispose();
  });
});
