import { type ComputeBackend, defineKernel, output } from "@kiln-gpu/core";
import {
  exclusiveScanReference,
  fieldAddReference,
  runExclusiveScan,
  runFieldAdd,
  runSaxpy,
  runSum,
  saxpyReference,
  sumReference,
} from "@kiln-gpu/kernels";
import { expectError, expectSame, RandomData } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

/** Writes `seed + i`, and far out of bounds a value that no other run may see. */
const stray = defineKernel<{ seed: number; c: ReturnType<typeof output<Uint32Array>> }>({
  label: "stray",
  wgsl: `@group(0) @binding(0) var<uniform> seed: u32;
    @group(0) @binding(1) var<storage, read_write> c: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      let n = arrayLength(&c);
      if (id.x >= n) { return; }
      for (var i = 1u; i < 1000; i += 37) { if (c[id.x + n * i] == 0xFFFFFFFF) { c[id.x + n * i + 64] = 0xBAD; } }
      c[id.x] = seed + id.x;
    }`,
});

/** Runs the kernels in turn, each with its own data, and expects its results. */
function checkedRun(gpu: ComputeBackend, i: number): Promise<unknown> {
  const data = new RandomData(i);
  const length = data.upTo(i % 10 === 0 ? 20_000 : 600);
  // Barriers take a software GPU long to compile, which some backends do for each run.
  if (i % 20 === 7) {
    const values = data.words(length);
    return runExclusiveScan(gpu, values).then((prefixes) => expectSame(prefixes, exclusiveScanReference(values)));
  }
  if (i % 20 === 13) {
    // Sums of small integers are exact in any order.
    const values = new Float32Array(data.words(length, 100));
    return runSum(gpu, values).then((sum) => expect(sum).toBe(sumReference(values)));
  }
  if (i % 4 < 2) {
    const [a, b] = [data.floats(length), data.floats(length)];
    const sum = runFieldAdd(gpu, a, b, { from: i % 4 === 0 ? "wgsl" : "spirv" });
    return sum.then((c) => expectSame(c, fieldAddReference(a, b)));
  }
  if (i % 4 === 2) {
    const [x, y] = [new Float32Array(data.words(length, 99)), new Float32Array(data.words(length, 99))];
    return runSaxpy(gpu, i, x, y).then((result) => expectSame(result, saxpyReference(i, x, y)));
  }
  const run = gpu.run(stray, { seed: i, c: output(Uint32Array, length) });
  return run.then(({ c }) =>
    expectSame(
      c,
      c.map((_, j) => i + j),
    ),
  );
}

/** Runs that must fail, each for another reason, without affecting others. */
function failingRun(gpu: ComputeBackend, i: number): Promise<unknown> {
  const data = new RandomData(i);
  const c = output(Uint32Array, data.upTo(300));
  switch (i % 4) {
    case 0:
      return expectError(gpu.run(stray, { seed: -1, c }), "invalid-binding", "seed");
    case 1: {
      const broken = defineKernel({
        label: `broken ${i}`,
        wgsl: `@group(0) @binding(0) var<storage, read_write> c: array<u32>;
          @compute @workgroup_size(1) fn main() { c[0] = missing${i}; }`,
      });
      return expectError(gpu.run(broken, { c }), "shader-compilation", `missing${i}`);
    }
    case 2: {
      const controller = new AbortController();
      const run = gpu.run(stray, { seed: i, c }, { signal: controller.signal });
      queueMicrotask(() => controller.abort());
      return expectError(run, "aborted", "stray");
    }
    default:
      return expectError(gpu.run(stray, { seed: i, c }, { workgroups: [2 ** 31, 2 ** 31] }), "limit-exceeded", "stray");
  }
}

export function describeConcurrency(suite: Suite): void {
  describe("runs at the same time", () => {
    const backend = useBackend(suite);

    it("never see each other's data", async () => {
      await Promise.all(Array.from({ length: suite.manyRuns }, (_, i) => checkedRun(backend(), i)));
    });

    it("fail without affecting the others", async () => {
      const count = Math.ceil(suite.manyRuns / 2);
      const before = backend().stats().runs;
      await Promise.all(
        Array.from({ length: count }, (_, i) =>
          i % 5 === 2 ? failingRun(backend(), Math.floor(i / 5)) : checkedRun(backend(), i),
        ),
      );
      const after = backend().stats().runs;
      const failed = Math.floor((count + 2) / 5);
      expect(after.failed - before.failed).toBe(failed);
      expect(after.completed - before.completed).toBe(count - failed);
    });

    it("give right results if other runs start them as they end", async () => {
      const chain = async (first: number) => {
        for (let i = 0; i < 4; i += 1) await checkedRun(backend(), first + i * 7);
      };
      await Promise.all(Array.from({ length: 8 }, (_, i) => chain(i * 100)));
    });
  });
}
