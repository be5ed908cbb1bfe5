import { defineKernel, inout, output, temporary } from "@kiln-gpu/core";
import { expectSame } from "@kiln-gpu/test-support";
import { describe, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

const sizes = [1, 5, 64, 100, 1000, 4097];

/** Fills all memory that it gets with 0xDEADBEEF. */
const filler = defineKernel({
  label: "filler",
  wgsl: `@group(0) @binding(0) var<storage, read_write> a: array<u32>;
    @group(0) @binding(1) var<storage, read_write> b: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&a)) { a[id.x] = 0xDEADBEEF; }
      if (id.x < arrayLength(&b)) { b[id.x] = 0xDEADBEEF; }
    }`,
});

/** Writes every third element. Their number is a uniform, so it is unknown before the run. */
const sparse = defineKernel({
  label: "sparse",
  wgsl: `@group(0) @binding(0) var<uniform> count: u32;
    @group(0) @binding(1) var<storage, read_write> c: array<u32>;
    @group(0) @binding(2) var<storage, read_write> untouched: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < count && id.x % 3 == 0) { c[id.x] = id.x + 1; }
      if (id.x > 0xFFFFFFF0) { untouched[id.x] = 1; }
    }`,
});

const sparseReference = (count: number, length: number) =>
  Uint32Array.from({ length }, (_, i) => (i < count && i % 3 === 0 ? i + 1 : 0));

const fillTemporary = `@group(0) @binding(0) var<storage, read_write> memory: array<u32>;
  @group(0) @binding(1) var<uniform> step: u32;
  @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&memory) && id.x % max(step, 1) == 0) { memory[id.x] = 0xDEADBEEF; }
  }`;
const copyTemporary = `@group(0) @binding(0) var<storage, read> memory: array<u32>;
  @group(0) @binding(1) var<storage, read_write> copy: array<u32>;
  @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&copy)) { copy[id.x] = memory[id.x]; }
  }`;

/** Writes every `step`-th element of a temporary, or none, and copies it to the output. */
const throughTemporary = defineKernel<{ step: number; copy: ReturnType<typeof output<Uint32Array>> }>({
  label: "through-temporary",
  programs: { fill: { wgsl: fillTemporary }, copy: { wgsl: copyTemporary } },
  temporaries: ({ copy }) => ({ memory: temporary(Uint32Array, copy.length) }),
  passes: ({ step, copy }) => [{ program: "fill", threads: step === 0 ? 0 : copy.length }, { program: "copy" }],
});

export function describeZeroedMemory(suite: Suite): void {
  describe("memory that a kernel does not write", () => {
    const backend = useBackend(suite);
    const fill = (length: number) =>
      backend().run(filler, { a: output(Uint32Array, length), b: output(Uint32Array, length) });
    const runSparse = (length: number, count: number) =>
      backend().run(sparse, { count, c: output(Uint32Array, length), untouched: output(Uint32Array, length) });

    it("is zero in outputs, after the same memory held other data", async () => {
      for (const [i, length] of [...sizes, ...sizes.toReversed()].entries()) {
        expectSame((await fill(sizes[(i * 5) % sizes.length]!)).a.slice(0, 1), new Uint32Array([0xdeadbeef]));
        const count = i % 3 === 0 ? 0 : Math.ceil(length / 2);
        const results = await runSparse(length, count);
        expectSame(results.c, sparseReference(count, length));
        expectSame(results.untouched, new Uint32Array(length));
      }
    });

    it("is zero in outputs of runs that share a submission with runs that fill theirs", async () => {
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(
          sizes.flatMap((length, i) => [
            fill(sizes.at(-1 - i)!).then(({ b }) => expectSame(b, new Uint32Array(sizes.at(-1 - i)!).fill(0xdeadbeef))),
            runSparse(length, length).then(({ c, untouched }) => {
              expectSame(c, sparseReference(length, length));
              expectSame(untouched, new Uint32Array(length));
            }),
          ]),
        );
      }
    });

    it("is zero if the kernel does nothing", async () => {
      await fill(1000);
      const none = await backend().run(
        sparse,
        { count: 9, c: output(Uint32Array, 1000), untouched: output(Uint32Array, 1000) },
        { workgroups: 0 },
      );
      expectSame(none.c, new Uint32Array(1000));
    });

    it("keeps its bytes in an inout", async () => {
      const c = Uint32Array.from({ length: 77 }, (_, i) => 1000 + i);
      const results = await backend().run(sparse, { count: 10, c: inout(c), untouched: output(Uint32Array, 77) });
      expectSame(
        results.c,
        c.map((value, i) => (i < 10 && i % 3 === 0 ? i + 1 : value)),
      );
    });

    it("is zero in temporaries, written in part or not at all", async () => {
      for (const step of [1, 2, 1, 0, 1, 7, 1, 0]) {
        const { copy } = await backend().run(throughTemporary, { step, copy: output(Uint32Array, 700) });
        expectSame(
          copy,
          Uint32Array.from({ length: 700 }, (_, i) => (step > 0 && i % step === 0 ? 0xdeadbeef : 0)),
        );
      }
    });

    it("is zero in workgroup memory", async () => {
      const kernel = defineKernel({
        label: "scratch",
        wgsl: `@group(0) @binding(0) var<uniform> add: u32;
          @group(0) @binding(1) var<storage, read_write> c: array<u32>;
          var<workgroup> scratch: array<u32, 64>;
          @compute @workgroup_size(64)
          fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
            scratch[local] += add;
            c[id.x] = scratch[local];
          }`,
      });
      for (const add of [0xdead, 1, 0]) {
        const { c } = await backend().run(kernel, { add, c: output(Uint32Array, 1024) });
        expectSame(c, new Uint32Array(1024).fill(add));
      }
    });
  });
}
