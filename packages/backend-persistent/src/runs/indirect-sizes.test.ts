/** Runs whose size the GPU reads out of a resident array. */
import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { defineKernel, inout, output } from "@kiln-gpu/core";
import { exclusiveScan } from "@kiln-gpu/kernels";
import { expectError, expectSame, RandomData, software, step, stepped } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(97);

/** Adds 1 to the element of each of its threads. */
const visit = defineKernel({
  label: "visit",
  wgsl: `override size = 64u;
    @group(0) @binding(0) var<storage, read_write> visits: array<atomic<u32>>;
    @compute @workgroup_size(size) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) n: vec3u) {
      let i = id.x + n.x * size * (id.y + n.y * id.z);
      if (i < arrayLength(&visits)) { atomicAdd(&visits[i], 1u); }
    }`,
});

/** Lists the indices of the words below `limit`, in any order, and counts them. */
const find = defineKernel({
  label: "find",
  wgsl: `@group(0) @binding(0) var<storage, read> words: array<u32>;
    @group(0) @binding(1) var<uniform> limit: u32;
    @group(0) @binding(2) var<storage, read_write> found: array<u32>;
    @group(0) @binding(3) var<storage, read_write> count: atomic<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&words) && words[id.x] < limit) { found[atomicAdd(&count, 1)] = id.x; }
    }`,
  threads: ({ words }) => words.length,
});

/** Halves each number that is left, and stops itself when it has halved `least` or less. */
const halve = defineKernel({
  label: "halve",
  wgsl: `@group(0) @binding(0) var<storage, read_write> state: array<u32>;
    @compute @workgroup_size(1) fn main() {
      // The number, the steps so far, and how many workgroups the next step has.
      state[0] /= 2; state[1] += 1;
      if (state[0] <= 10) { state[2] = 0; }
    }`,
});

const visitsOf = (length: number, count: number) => Uint32Array.from({ length }, (_, i) => (i < count ? 1 : 0));

describe("a run whose size the GPU reads", () => {
  it.each([0, 1, 63, 64, 65, 1000])("runs %i threads out of an array, in whole workgroups", (count) =>
    usingBackend(async (gpu) => {
      const size = await gpu.array(new Uint32Array([count]));
      const visits = inout(new Uint32Array(1500));
      const results = await gpu.run(visit, { visits }, { threads: size });
      expect(Object.keys(results)).toEqual(["visits"]);
      expectSame(results.visits, visitsOf(1500, Math.ceil(count / 64) * 64));
    }),
  );

  it("runs workgroups of one to three dimensions, from anywhere in an array", () =>
    usingBackend(async (gpu) => {
      const counts = await gpu.array(new Uint32Array([9, 9, 3, 2, 2, 9]));
      const run = async (options: object) => {
        const { visits } = await gpu.run(visit, { visits: inout(new Uint32Array(2000)) }, options);
        return visits.reduce((sum, each) => sum + each, 0) / 64;
      };
      expect(await run({ workgroups: { indirect: counts, offset: 2 } })).toBe(3);
      expect(await run({ workgroups: { indirect: counts, offset: 2, dimensions: 2 } })).toBe(6);
      expect(await run({ workgroups: { indirect: counts, offset: 2, dimensions: 3 } })).toBe(12);
      expect(await run({ threads: { indirect: counts, offset: 2, dimensions: 3 } })).toBe(4);
      expect(await run({ workgroups: await gpu.array(new Uint32Array([2, 3])) })).toBe(6);
      expect(await run({ workgroups: await gpu.array(new Uint32Array([2, 3, 1])) })).toBe(6);
    }));

  it("runs as many threads as an earlier run has counted, without a round trip", () =>
    usingBackend(async (gpu) => {
      const words = data.words(3000, 100);
      const found = await gpu.array(Uint32Array, 3000);
      const count = await gpu.array(Uint32Array, 1);
      const visits = await gpu.array(Uint32Array, 3000);
      for (const limit of [30, 0, 100]) {
        await visits.write(new Uint32Array(3000));
        await count.write(new Uint32Array(1));
        gpu.run(find, { words, limit, found, count });
        const { submissions } = gpu.stats();
        await gpu.run(visit, { visits }, { threads: count });
        // The kernels are compiled at first.
        if (limit !== 30) expect(gpu.stats().submissions).toBe(submissions + 1);
        const expected = words.filter((word) => word < limit).length;
        expectSame(await visits.read(), visitsOf(3000, Math.ceil(expected / 64) * 64));
      }
    }));

  it("may read its size out of an array that it writes", () =>
    usingBackend(async (gpu) => {
      const words = new Uint32Array([2, 0, 0, 0]);
      const y = await gpu.array(words);
      await gpu.run(step, { factor: 3, y }, { workgroups: { indirect: y } });
      expectSame(await y.read(), stepped(words, 3));
    }));

  it("that is too large for the device runs nothing, and rejects with what is asked and allowed", () =>
    usingBackend(async (gpu) => {
      const most = gpu.device.limits.maxComputeWorkgroupsPerDimension;
      const visits = await gpu.array(Uint32Array, 64);
      const words = new RegExp(
        `"visit" is asked on the GPU to run \\[1, ${most + 1}, 1\\] workgroups; .* at most ${most}`,
      );
      const bad = gpu.run(visit, { visits }, { workgroups: await gpu.array(new Uint32Array([1, most + 1])) });
      const after = gpu.run(step, { factor: 1, y: visits });
      await expectError(bad, "limit-exceeded", words);
      await expectError(after, "dependency-failed", words);
      const threads = await gpu.array(new Uint32Array([0xffffffff]));
      await expectError(gpu.run(visit, { visits }, { threads }), "limit-exceeded", /\[67108864, 1, 1\]/);
      expectSame(await visits.read(), new Uint32Array(64));
      await threads.write(new Uint32Array([1]));
      await gpu.run(visit, { visits }, { threads });
      expectSame(await visits.read(), visitsOf(64, 64));
    }));

  it("takes tunable and specialized constants, and is run again like any other", () =>
    usingBackend(async (gpu) => {
      const size = await gpu.array(new Uint32Array([40]));
      const { wgsl } = visit.programs.main! as { readonly wgsl: string };
      const tunable = defineKernel({ label: "tunable", wgsl, tunable: { size: [32, 16] } });
      for (const kernel of [visit.specialize({ size: 32 }), tunable]) {
        for (let i = 0; i < 3; i += 1) {
          const { visits } = await gpu.run(
            kernel as typeof visit,
            { visits: inout(new Uint32Array(100)) },
            { threads: size },
          );
          const sum = visits.reduce((total, each) => total + each, 0);
          expect([48, 64]).toContain(sum);
        }
      }
    }));

  it("is recorded like any other, and each replay reads the sizes again", () =>
    usingBackend(async (gpu) => {
      const [size, visits] = [await gpu.array(new Uint32Array([1])), await gpu.array(Uint32Array, 256)];
      const sequence = await gpu.record({}, (run) => {
        run(visit, { visits }, { workgroups: size });
        run(visit, { visits }, { workgroups: size });
      });
      let expected = new Uint32Array(256);
      for (const count of [1, 0, 3]) {
        await size.write(new Uint32Array([count]));
        expect(await sequence.replay()).toEqual({});
        expected = expected.map((visited, i) => visited + (i < count * 64 ? 2 : 0));
        expectSame(await visits.read(), expected);
      }
      await size.write(new Uint32Array([0xffffffff]));
      await expectError(
        sequence.replay(),
        "limit-exceeded",
        /"sequence" is asked on the GPU to run \[4294967295, 1, 1\]/,
      );
      expectSame(await visits.read(), expected);
    }));

  it("ends a loop in a sequence once the GPU says so: the steps left have no workgroups", () =>
    usingBackend(async (gpu) => {
      const state = await gpu.array(Uint32Array, 3);
      const loop = await gpu.record({}, (run) => {
        for (let i = 0; i < 40; i += 1) run(halve, { state }, { workgroups: { indirect: state, offset: 2 } });
      });
      for (const start of [1000, 5, 2 ** 31]) {
        await state.write(new Uint32Array([start, 0, 1]));
        let [value, steps] = [start, 0];
        do {
          value = Math.floor(value / 2);
          steps += 1;
        } while (value > 10);
        await loop.replay();
        expectSame(await state.read(), new Uint32Array([value, steps, 0]));
      }
    }));

  it("shares a submission with others, and keeps the order of the calls", () =>
    usingBackend(async (gpu) => {
      const size = await gpu.array(new Uint32Array([2]));
      const visits = await gpu.array(Uint32Array, 256);
      const runs: Promise<unknown>[] = [];
      for (const count of [1, 4, 0, 2]) {
        runs.push(size.write(new Uint32Array([count])), gpu.run(visit, { visits }, { workgroups: size }));
      }
      await Promise.all(runs);
      expectSame(
        await visits.read(),
        Uint32Array.from({ length: 256 }, (_, i) => (i < 64 ? 3 : i < 128 ? 2 : 1)),
      );
    }));

  it("is refused where its array or its elements are not fit", () =>
    usingBackend(async (gpu) => {
      const visits = output(Uint32Array, 64);
      const long = await gpu.array(Uint32Array, 10);
      const run = (options: object) => gpu.run(visit, { visits }, options as { threads: number });
      const refuse = (options: object, words: RegExp) => expectError(run(options), "invalid-option", words);
      await refuse(
        { threads: long },
        /Kernel "visit": "threads" must be a resident array of 1 to 3 elements; got one of 10/,
      );
      await refuse({ threads: { indirect: [1] } }, /"threads.indirect" must be a resident array; got an array of 1/);
      await refuse({ threads: { indirect: long, offset: 10 } }, /within the 10 of its array; got 1 from \[10\]/);
      await refuse({ threads: { indirect: long, offset: 8, dimensions: 3 } }, /got 3 from \[8\]/);
      await refuse({ workgroups: { indirect: long, dimensions: 4 } }, /got 4 from \[0\]/);
      await refuse({ workgroups: { indirect: long, offest: 4 } }, /"offest"; did you mean "offset"/);
      await refuse({ workgroups: { indirect: long }, threads: 4 }, /both `threads` and `workgroups`/);
      const several = gpu.run(
        exclusiveScan,
        { values: new Uint32Array(4), prefixes: output(Uint32Array, 4) },
        { threads: { indirect: long } },
      );
      await expectError(several, "invalid-option", /`threads` is for kernels of one pass/);
      const floats = await gpu.array(Float32Array, 1);
      await expectError(
        run({ threads: floats }),
        "invalid-binding",
        /"option threads".*takes a Uint32Array.*Float32Array/,
      );
      long.dispose();
      await expectError(run({ threads: { indirect: long } }), "invalid-binding", /"option threads", which is disposed/);
      const other = await openOneShotBackend(software);
      const elsewhere = other.run(visit, { visits }, { threads: await gpu.array(Uint32Array, 1) });
      await expectError(elsewhere, "invalid-binding", /"option threads"; the one-shot backend binds typed arrays only/);
      await other.dispose();
    }));
});
