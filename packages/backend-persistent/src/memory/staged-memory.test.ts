import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { type Bindings, defineKernel, inout, output } from "@kiln-gpu/core";
import { exclusiveScan, exclusiveScanReference, fieldAdd, fieldAddReference, saxpy } from "@kiln-gpu/kernels";
import { expectError, expectNothingLive, expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { openPersistentBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";
import { addStaged, stageFloats, waitForOne } from "./staged-floats.test-support.js";

const data = new RandomData(22);

describe("staged memory", () => {
  it("is taken from bindings that are read once", () =>
    usingBackend(async (gpu) => {
      const floats = data.floats(100);
      const [first, second] = [await stageFloats(gpu, floats), await stageFloats(gpu, data.floats(100))];
      let reads = 0;
      const bindings = {
        get a() {
          reads += 1;
          return reads === 1 ? first : second;
        },
        b: floats,
        c: output(Float32Array, 100),
      };
      const { c } = await gpu.run(fieldAdd, bindings);
      expectSame(c, fieldAddReference(floats, floats));
      expect(second.data.length).toBe(100);
      second.release();
      await addStaged(gpu, data, 100);
    }));

  it("is what the kernel reads, at any length, again and again", () =>
    usingBackend(async (gpu) => {
      for (const length of [1, 3, 64, 1000, 65_537]) {
        for (let i = 0; i < 5; i += 1) await addStaged(gpu, data, length);
      }
      const before = gpu.stats().buffers.made;
      for (let i = 0; i < 20; i += 1) await addStaged(gpu, data, 1000);
      expect(gpu.stats().buffers.made).toBe(before);
    }));

  it("goes with arrays, uniforms and results of every kind, and through several passes", () =>
    usingBackend(async (gpu) => {
      const [x, y] = [data.floats(1000), data.floats(1000)];
      const scaled = await gpu.run(saxpy, { alpha: 1, x: await stageFloats(gpu, x), y: inout(y) });
      expectSame(
        scaled.y,
        y.map((value, i) => Math.fround(value + x[i]!)),
      );
      const words = data.words(10_000);
      const staged = await gpu.stage(Uint32Array, words.length);
      staged.data.set(words);
      const bindings = { values: staged, prefixes: output(Uint32Array, words.length) };
      expectSame((await gpu.run(exclusiveScan, bindings)).prefixes, exclusiveScanReference(words));
    }));

  it("never mixes between runs at once", () =>
    usingBackend(async (gpu) => {
      await Promise.all(Array.from({ length: 40 }, (_, i) => addStaged(gpu, data, 100 + 37 * i)));
    }));

  it("is gone for its caller once it is bound, and serves once", () =>
    usingBackend(async (gpu) => {
      const b = data.floats(8);
      const a = await stageFloats(gpu, data.floats(8));
      const view = a.data;
      const run = gpu.run(fieldAdd, { a: a, b, c: output(Float32Array, 8) });
      expect(() => a.data).toThrow(expect.objectContaining({ code: "disposed" }));
      await expectError(
        gpu.run(fieldAdd, { a: a, b, c: output(Float32Array, 8) }),
        "invalid-binding",
        /"field-add".*"a".*bound or released before/,
      );
      await run;
      expect(view.length).toBe(0);
      const both = await stageFloats(gpu, b);
      await expectError(
        gpu.run(fieldAdd, { a: both, b: both, c: output(Float32Array, 8) }),
        "invalid-binding",
        /"b".*bound or released before/,
      );
    }));

  it("is refused by name where another backend staged it, and stays its caller's", () =>
    usingBackend(async (gpu) => {
      const b = data.floats(8);
      const a = await stageFloats(gpu, b);
      const bindings = { a: a, b, c: output(Float32Array, 8) };
      await usingBackend(async (other) => {
        await expectError(other.run(fieldAdd, bindings), "invalid-binding", /"a".*another backend/);
      });
      const oneShot = await openOneShotBackend(software);
      await expectError(oneShot.run(fieldAdd, bindings), "invalid-binding", /"a".*one-shot/);
      await oneShot.dispose();
      expectSame((await gpu.run(fieldAdd, bindings)).c, fieldAddReference(b, b));
    }));

  it("is checked as any array is, and then stays its caller's", () =>
    usingBackend(async (gpu) => {
      const staged = await gpu.stage(Int32Array, 8);
      const bindings = { a: staged, b: data.floats(8), c: output(Float32Array, 8) };
      // @ts-expect-error whole numbers where the kernel takes floats
      await expectError(gpu.run(fieldAdd, bindings), "invalid-binding", /"a".*Float32Array.*Int32Array/);
      expect(staged.data.length).toBe(8);
      staged.release();
      expect(() => staged.data).toThrow(expect.objectContaining({ code: "disposed" }));
      staged.release();
    }));

  it("goes back to its backend when its run is refused while that is being disposed", async () => {
    const gpu = await openPersistentBackend(software);
    const a = await stageFloats(gpu, data.floats(8));
    // @ts-expect-error whole numbers where the kernel writes floats
    const run = gpu.run(fieldAdd, { a, b: data.floats(8), c: output(Int32Array, 8) });
    const closing = gpu.dispose();
    await expectError(run, "invalid-binding", /"c"/);
    await closing;
    expectNothingLive(gpu);
    expect(() => a.data).toThrow(expect.objectContaining({ code: "disposed" }));
  });

  it("goes back to its backend when its run fails or is aborted", () =>
    usingBackend(async (gpu) => {
      const bad = defineKernel<Bindings>({
        label: "bad",
        wgsl: "@group(0) @binding(0) var<storage, read> a: array<f32>; @compute @workgroup_size(1) fn main() { a[0] = 1; }",
        threads: () => 1,
      });
      const bindings = async () => ({ a: await stageFloats(gpu, data.floats(8)), c: output(Float32Array, 8) });
      await expectError(
        gpu.run(bad, { a: (await bindings()).a, a2: output(Float32Array, 1) }),
        "shader-compilation",
        /bad/,
      ).catch(() => undefined);
      const stop = new AbortController();
      const b = data.floats(8);
      const run = gpu.run(fieldAdd, { ...(await bindings()), b }, { signal: stop.signal });
      stop.abort();
      await expect(run).rejects.toMatchObject({ code: "aborted" });
    }));

  it("counts to the budget, and waits for room", () =>
    usingBackend(
      async (gpu) => {
        const held = await gpu.stage(Float32Array, 8 * 1024);
        let isStaged = false;
        const waiting = gpu.stage(Float32Array, 8 * 1024).then((staged) => {
          isStaged = true;
          return staged;
        });
        await waitForOne(gpu);
        expect(isStaged).toBe(false);
        held.release();
        (await waiting).release();
        await expectError(gpu.stage(Float32Array, 2 ** 20), "limit-exceeded", /4194304 bytes.*40960 bytes/);
      },
      { byteBudget: 65_536 / 2 + 8192 },
    ));

  it.each([0, -1, 1.5, Number.NaN])("of %d elements is refused", (length) =>
    usingBackend(async (gpu) => {
      await expectError(gpu.stage(Float32Array, length), "invalid-option", /whole number/);
    }),
  );

  it("that is never bound goes with its backend", async () => {
    const gpu = await openPersistentBackend(software);
    const staged = await gpu.stage(Float32Array, 100);
    await gpu.dispose();
    expectNothingLive(gpu);
    expect(() => staged.data).toThrow(expect.objectContaining({ code: "disposed" }));
    await expectError(gpu.stage(Float32Array, 100), "disposed", /disposed/);
  });
});
