import { bytes, defineKernel, inout, lease, output } from "@kiln-gpu/core";
import { expectError, expectSame, RandomData } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

const data = new RandomData(89);

/** Keeps the words below `limit`, in any order, and counts them. */
const keep = defineKernel({
  label: "keep",
  wgsl: `@group(0) @binding(0) var<storage, read> words: array<u32>;
    @group(0) @binding(1) var<uniform> limit: u32;
    @group(0) @binding(2) var<storage, read_write> kept: array<u32>;
    @group(0) @binding(3) var<storage, read_write> count: atomic<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= arrayLength(&words) || words[id.x] >= limit) { return; }
      let place = atomicAdd(&count, 1);
      if (place < arrayLength(&kept)) { kept[place] = words[id.x]; }
    }`,
  threads: ({ words }) => words.length,
});

const keptOf = (words: Uint32Array, limit: number) => words.filter((word) => word < limit).sort();

export function describeCountedLengths(suite: Suite): void {
  describe("a result whose length the kernel counts", () => {
    const backend = useBackend(suite);
    const countedBy = { length: "count" } as const;

    it("has as many elements as were counted, from none to all", async () => {
      const words = data.words(1000, 100);
      for (const limit of [50, 0, 100, 7, 50]) {
        const bindings = { words, limit, kept: output(Uint32Array, 1000, countedBy), count: output(Uint32Array, 1) };
        const { kept, count } = await backend().run(keep, bindings);
        const expected = keptOf(words, limit);
        expectSame(count, new Uint32Array([expected.length]));
        expectSame(kept.sort(), expected);
      }
    });

    it("is whole, with the same count, where that is not asked for", async () => {
      const words = data.words(300, 100);
      for (const options of [countedBy, {}, countedBy]) {
        const kept = output(Uint32Array, 300, options);
        const results = await backend().run(keep, { words, limit: 50, kept, count: output(Uint32Array, 1) });
        const { length } = keptOf(words, 50);
        expect(results.kept.length).toBe(options === countedBy ? length : 300);
      }
    });

    it("is a view of the caller's array, and starts from what the count holds", async () => {
      const words = data.words(200, 100);
      const expected = keptOf(words, 50);
      const into = new Uint32Array(300).fill(9);
      const kept = output(Uint32Array, 300, { ...countedBy, into });
      const results = await backend().run(keep, { words, limit: 50, kept, count: inout(new Uint32Array([5])) });
      expect(results.kept.buffer).toBe(into.buffer);
      expect(results.kept.length).toBe(expected.length + 5);
      expectSame(results.kept.slice(5).sort(), expected);
      expect(into.subarray(expected.length + 5).every((word) => word === 9)).toBe(true);
    });

    it("counts beyond its capacity in an error that names both, and fails no other run", async () => {
      const words = data.words(500);
      const run = (capacity: number) =>
        backend().run(keep, {
          words,
          limit: 0xffffffff,
          kept: output(Uint32Array, capacity, countedBy),
          count: output(Uint32Array, 1),
        });
      const [bad, good] = [run(499), run(500)];
      await expectError(bad, "limit-exceeded", /"kept" of "keep" can have 499 elements.*counts 500/);
      expectSame((await good).kept.sort(), words.slice().sort());
    });

    it("may be beside leases", async () => {
      const words = data.words(100, 100);
      const kept = output(Uint32Array, 100, countedBy);
      const results = await backend().run(keep, { words, limit: 50, kept, count: lease(Uint32Array, 1) });
      expectSame(results.kept.sort(), keptOf(words, 50));
      expect(results.count.data[0]).toBe(results.kept.length);
      results.count.release();
    });

    it("is refused where its count is not a result that is a Uint32Array", async () => {
      const words = data.words(100);
      const run = (count: unknown, name: unknown = "count") =>
        backend().run(keep, {
          words,
          limit: 5,
          kept: output(Uint32Array, 100, { length: name as string }),
          count: count as Uint32Array,
        });
      const counts = /"keep" counts the elements of "kept" by /;
      await expectError(run(new Uint32Array(1)), "invalid-binding", counts, /"count", .*it is no result/);
      await expectError(run(output(Uint32Array, 1), "cont"), "invalid-binding", counts, /"cont", .*it is not bound/);
      await expectError(run(output(Uint32Array, 1), "limit"), "invalid-binding", counts, /"limit".*it is no result/);
      await expectError(run(output(Uint32Array, 1), 4), "invalid-binding", counts, /by 4, .*it is not bound/);
      const asBytes = inout(bytes(new Uint8Array(4)));
      await expectError(run(asBytes), "invalid-binding", counts, /it is a Uint8Array/);
    });
  });
}
