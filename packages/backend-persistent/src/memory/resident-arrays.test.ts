import { defineKernel, inout, output, type ResidentArray } from "@kiln-gpu/core";
import { exclusiveScan, exclusiveScanReference, fieldAdd, fieldAddReference, saxpy } from "@kiln-gpu/kernels";
import {
  combine,
  combined,
  expectError,
  expectSame,
  nextSubmission,
  RandomData,
  sabotage,
  step,
  stepped,
  victimWorkgroups,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(31);

describe("a resident array", () => {
  it("is what it was made of, of any type and length", () =>
    usingBackend(async (gpu) => {
      for (const length of [1, 3, 64, 1001, 70_000]) {
        const floats = data.floats(length);
        const words = data.words(length);
        const bytes = new Uint8Array(words);
        const shorts = new Uint16Array(words);
        for (const values of [floats, words, bytes, shorts] as Uint32Array[]) {
          const array = await gpu.array(values);
          expect([array.type, array.length]).toEqual([values.constructor, length]);
          expectSame(await array.read(), values);
          array.dispose();
        }
        const zeros = await gpu.array(Float32Array, length);
        expectSame(await zeros.read(), new Float32Array(length));
        zeros.dispose();
      }
    }));

  it("is zero where it is made of nothing, also out of memory that others have used", () =>
    usingBackend(async (gpu) => {
      for (let i = 0; i < 5; i += 1) {
        const used = await gpu.array(data.words(1000));
        used.dispose();
        const zeros = await gpu.array(Uint32Array, 1000);
        expectSame(await zeros.read(), new Uint32Array(1000));
        zeros.dispose();
      }
    }));

  it("is written by a run although another's results cannot be given", () =>
    usingBackend(async (gpu) => {
      const [a, b] = [data.floats(300), data.floats(300)];
      const sum = await gpu.array(Float32Array, 300);
      await gpu.run(fieldAdd, { a, b, c: output(Float32Array, 300) });
      const into = new Float32Array(300);
      const spoiled = gpu.run(fieldAdd, { a, b, c: output(Float32Array, 300, { into }) });
      const beside = gpu.run(fieldAdd, { a, b, c: sum });
      structuredClone(into.buffer, { transfer: [into.buffer] });
      const before = gpu.stats().submissions;
      await expectError(spoiled, "invalid-binding", /"c" goes into a Float32Array of 300/);
      await beside;
      expect(gpu.stats().submissions).toBe(before + 1);
      expectSame(await sum.read(), fieldAddReference(a, b));
      sum.dispose();
    }));

  it("is read and written by runs in place, in the order of their calls", () =>
    usingBackend(async (gpu) => {
      let expected = data.words(500);
      const y = await gpu.array(expected);
      const runs = [];
      for (let factor = 1; factor <= 600; factor += 1) {
        runs.push(gpu.run(step, { factor, y }));
        expected = stepped(expected, factor);
      }
      const early = y.read();
      const results = await Promise.all(runs);
      expect(results.every((result) => Object.keys(result).length === 0)).toBe(true);
      expectSame(await early, expected);
      expectSame(await y.read(), expected);
    }));

  it("keeps the order of the calls also where kernels are still to be compiled", () =>
    usingBackend(async (gpu) => {
      let expected = data.words(100);
      const y = await gpu.array(expected);
      const runs: Promise<unknown>[] = [];
      for (let factor = 2; factor < 12; factor += 1) {
        // Each is another kernel, and every second is known already.
        const kernel =
          factor % 2 === 0
            ? step
            : defineKernel({ label: `step ${factor}`, wgsl: `${step.programs.main!.wgsl} //${factor}` });
        runs.push(gpu.run(kernel, { factor, y }));
        expected = stepped(expected, factor);
      }
      await Promise.all(runs);
      expectSame(await y.read(), expected);
    }));

  it("stands for inputs, outputs and inouts of ready-made kernels, beside arrays of the host", () =>
    usingBackend(async (gpu) => {
      const [a, b] = [data.floats(1000), data.floats(1000)];
      const x = await gpu.array(a);
      expectSame((await gpu.run(fieldAdd, { a: x, b, c: output(Float32Array, 1000) })).c, fieldAddReference(a, b));
      const c = await gpu.array(Float32Array, 1000);
      await gpu.run(fieldAdd, { a: x, b, c });
      expectSame(await c.read(), fieldAddReference(a, b));
      const y = await gpu.array(b);
      await gpu.run(saxpy, { alpha: 1, x, y });
      expectSame(await y.read(), fieldAddReference(a, b));
      // Two passes, and a result that is returned beside arrays that are not.
      const words = data.words(5000, 1000);
      const prefixes = await gpu.array(Uint32Array, words.length);
      await gpu.run(exclusiveScan, { values: await gpu.array(words), prefixes });
      expectSame(await prefixes.read(), exclusiveScanReference(words));
    }));

  it("is read and written in part, and copied", () =>
    usingBackend(async (gpu) => {
      const [words, others] = [data.words(100), data.words(100)];
      const x = await gpu.array(words);
      expectSame(await x.read({ start: 7, length: 20 }), words.subarray(7, 27));
      expectSame(await x.read({ start: 99 }), words.subarray(99));
      expect(await x.read({ start: 100 })).toEqual(new Uint32Array(0));
      const into = new Uint32Array(3);
      expect(await x.read({ start: 1, length: 3, into })).toBe(into);
      expectSame(into, words.subarray(1, 4));
      await x.write(others.subarray(0, 10), 5);
      words.set(others.subarray(0, 10), 5);
      expectSame(await x.read(), words);
      const y = await gpu.array(Uint32Array, 100);
      await y.copyFrom(x, { start: 3, length: 4 }, 90);
      const copied = new Uint32Array(100);
      copied.set(words.subarray(3, 7), 90);
      expectSame(await y.read(), copied);
      await y.copyFrom(x);
      expectSame(await y.read(), words);
      const many = Uint8Array.from({ length: 40_003 }, (_, i) => 1 + (i % 251));
      const large = await gpu.array(many);
      expectSame(await large.read(), many);
      large.dispose();
      const bytes = await gpu.array(Uint8Array.from({ length: 11 }, (_, i) => i + 1));
      expectSame(await bytes.read({ start: 3, length: 5 }), Uint8Array.of(4, 5, 6, 7, 8));
      await bytes.write(Uint8Array.of(20, 21, 22), 8);
      expectSame(await bytes.read({ start: 7 }), Uint8Array.of(8, 20, 21, 22));
    }));

  it("is read in place through leases, which keep what they show whatever becomes of the array", () =>
    usingBackend(async (gpu) => {
      const [words, others] = [data.words(100), data.words(100)];
      const x = await gpu.array(words, { label: "x" });
      const lent = x.lease({ start: 7, length: 20 });
      const written = x.write(others);
      using first = await lent;
      await written;
      expectSame(first.data, words.subarray(7, 27));
      using second = await x.lease();
      expectSame(second.data, others);
      using none = await x.lease({ start: 100 });
      expect(none.data).toEqual(new Uint32Array(0));
      const bytes = await gpu.array(Uint8Array.from({ length: 11 }, (_, i) => i + 1));
      using odd = await bytes.lease({ start: 3, length: 5 });
      expectSame(odd.data, Uint8Array.of(4, 5, 6, 7, 8));
      // A lease is of what was read then, whatever becomes of the array.
      x.dispose();
      expectSame(second.data, others);
      second.release();
      expect(() => second.data).toThrow('The lease on "x" is released; its memory is gone.');
      await expectError(
        bytes.lease({ start: 3, length: 9 }),
        "invalid-option",
        "The lease of a resident Uint8Array of 11",
      );
    }));

  it("takes part in any order of runs, reads, writes and copies as the calls say, also when some runs fail", () =>
    usingBackend(
      async (gpu) => {
        await Promise.all([gpu.prepare(step), gpu.prepare(combine)]);
        for (let round = 0; round < 15; round += 1) {
          const length = data.upTo(300);
          const arrays: { array: ResidentArray<Uint32Array>; expected: Uint32Array }[] = [];
          for (let i = 0; i < 4; i += 1) {
            const expected = data.words(length);
            arrays.push({ array: await gpu.array(expected), expected });
          }
          const checks: Promise<unknown>[] = [];
          const any = () => arrays[data.upTo(4) - 1]!;
          for (let i = 0; i < 120; i += 1) {
            const [p, q, r] = [any(), any(), any()];
            switch (data.upTo(7)) {
              case 1:
              case 2: {
                checks.push(gpu.run(step, { factor: i, y: p.array }));
                p.expected = stepped(p.expected, i);
                break;
              }
              case 3: {
                if (r === p || r === q) break;
                checks.push(gpu.run(combine, { x: p.array, y: q.array, z: r.array }));
                r.expected = combined(p.expected, q.expected);
                break;
              }
              case 4: {
                const { expected } = p;
                checks.push(p.array.read().then((given) => expectSame(given, expected)));
                break;
              }
              case 5: {
                const written = data.words(data.upTo(length));
                const start = length - written.length;
                checks.push(p.array.write(written, start));
                p.expected = p.expected.slice();
                p.expected.set(written, start);
                break;
              }
              case 6: {
                if (p === q) break;
                checks.push(p.array.copyFrom(q.array));
                p.expected = q.expected;
                break;
              }
              default: {
                // Refused before it begins, and alone: what it was to be given does not fit its kernel.
                if (p === q) break;
                const bindings = { x: q.array, y: new Uint32Array(1), z: p.array, w: 1 };
                await expectError(gpu.run(combine, bindings as never), "invalid-binding", /"w"/);
                const a = data.words(50);
                const z = gpu.run(combine, { x: a, y: a, z: output(Uint32Array, 50) });
                checks.push(z.then((results) => expectSame(results.z, combined(a, a))));
              }
            }
            if (data.upTo(20) === 1) await checks.at(-1);
          }
          await Promise.all(checks);
          for (const { array } of arrays) array.dispose();
        }
      },
      { maxSubmissions: 2 },
    ));

  it("costs a warm chain no buffer, bind group or pipeline", () =>
    usingBackend(async (gpu) => {
      const [x, y] = [await gpu.array(data.words(200)), await gpu.array(data.words(200))];
      const chain = () =>
        Promise.all(
          Array.from({ length: 50 }, (_, i) => gpu.run(combine, i % 2 ? { x, y: x, z: y } : { x: y, y, z: x })),
        );
      await chain();
      const before = gpu.stats();
      for (let i = 0; i < 20; i += 1) await chain();
      const after = gpu.stats();
      expect(after.buffers.made).toBe(before.buffers.made);
      expect(after.bindGroups.made).toBe(before.bindGroups.made);
      expect(after.pipelines.made).toBe(before.pipelines.made);
      expect(after.submissions - before.submissions).toBe(20);
    }));

  it("is shared by runs that read it, at once, with others that have nothing to do with it", () =>
    usingBackend(async (gpu) => {
      const a = data.words(300);
      const x = await gpu.array(a);
      await Promise.all(
        Array.from({ length: 700 }, async (_, i) => {
          const b = data.words(300);
          const { z } = await gpu.run(combine, { x: i % 3 ? x : a, y: b, z: output(Uint32Array, 300) });
          expectSame(z, combined(a, b));
        }),
      );
    }));
});

describe("a resident array that a submission reads", () => {
  it("is read by the next submission at the same time", () =>
    withOwnDevice((device) =>
      usingBackend(
        async (gpu) => {
          const words = data.words(300);
          const x = await gpu.array(words);
          await gpu.prepare(combine);
          const read = () => gpu.run(combine, { x, y: words, z: output(Uint32Array, 300) });
          const submission = nextSubmission(device);
          const first = read();
          await submission;
          const second = read();
          for (let microtask = 0; microtask < 20; microtask += 1) await undefined;
          expect(gpu.stats().queue).toEqual({ waiting: 0, inFlight: 2 });
          for (const { z } of await Promise.all([first, second])) expectSame(z, combined(words, words));
          x.dispose();
        },
        { device },
      ),
    ));
});

describe("a run that fails", () => {
  it("rejects those that were to work on what it would have written, and no others", () =>
    usingBackend(async (gpu) => {
      const words = data.words(64);
      const [x, y, z] = [await gpu.array(words), await gpu.array(words), await gpu.array(words)];
      const bad = defineKernel({ label: "bad", wgsl: "@compute fn main() { nothing }" });
      const failed = expectError(gpu.run(bad, { x }), "shader-compilation", /bad/).catch(() => "unsupported");
      const dependent = expectError(gpu.run(combine, { x, y, z }), "dependency-failed", /"combine".*failed.*"bad"/);
      const ofThat = expectError(z.read(), "dependency-failed", /read.*"bad"/);
      const free = gpu.run(step, { factor: 2, y });
      await Promise.all([failed, dependent, ofThat, free]);
      // However long the chain, its first failure is the cause.
      expect((await ofThat).cause).toBe((await dependent).cause);
      // It is known by now; nothing of it has run.
      expectSame(await x.read(), words);
      expectSame(await z.read(), words);
      expectSame(await y.read(), stepped(words, 2));
    }));

  it("because it is aborted before it is submitted is one that fails", () =>
    usingBackend(
      async (gpu) => {
        const words = data.words(64);
        const y = await gpu.array(words);
        const stop = new AbortController();
        const first = gpu.run(step, { factor: 3, y });
        const aborted = expectError(gpu.run(step, { factor: 5, y }, { signal: stop.signal }), "aborted");
        const dependent = expectError(gpu.run(step, { factor: 7, y }), "dependency-failed", /"step"/);
        stop.abort();
        await Promise.all([aborted, dependent]);
        const after = gpu.run(step, { factor: 11, y });
        await Promise.all([first, after]);
        expectSame(await y.read(), stepped(stepped(words, 3), 11));
      },
      { maxSubmissions: 1 },
    ));

  it("is not one that is aborted once it is submitted: what comes after it finds what it has written", () =>
    withOwnDevice((device) =>
      usingBackend(
        async (gpu) => {
          const words = data.words(64);
          const y = await gpu.array(words);
          await gpu.prepare(step);
          const stop = new AbortController();
          const submission = nextSubmission(device);
          const aborted = expectError(gpu.run(step, { factor: 3, y }, { signal: stop.signal }), "aborted");
          await submission;
          const read = y.read();
          const after = gpu.run(step, { factor: 7, y });
          stop.abort();
          await aborted;
          expectSame(await read, stepped(words, 3));
          await after;
          expectSame(await y.read(), stepped(stepped(words, 3), 7));
        },
        { device },
      ),
    ));

  it.each(["recording", "submit"] as const)(
    "at %s fails alone with its dependants, and those before it happen once",
    (time) =>
      withOwnDevice(async (device) => {
        await usingBackend(
          async (gpu) => {
            sabotage(device, time);
            for (let round = 0; round < 3; round += 1) {
              const words = data.words(64);
              const [y, z] = [await gpu.array(words), await gpu.array(words)];
              const before = gpu.run(step, { factor: 3, y });
              const victim = gpu.run(step, { factor: 5, y }, { workgroups: [1, victimWorkgroups] });
              const dependent = gpu.run(step, { factor: 7, y });
              const free = gpu.run(step, { factor: 9, y: z });
              const read = y.read();
              await Promise.all([
                before,
                expectError(victim, "invalid-kernel", /"step"/),
                expectError(dependent, "dependency-failed", /"step".*refused/),
                expectError(read, "dependency-failed", /read/),
                free,
              ]);
              expectSame(await y.read(), stepped(words, 3));
              expectSame(await z.read(), stepped(words, 9));
            }
          },
          { device },
        );
      }),
  );
});

describe("a run of no threads", () => {
  it("leaves the results of others in its submission as they are", () =>
    usingBackend(async (gpu) => {
      const idle = defineKernel({ label: "idle", wgsl: step.programs.main!.wgsl!, threads: () => 0 });
      const [words, others] = [data.words(300_000), data.words(300_000)];
      const [first, second] = await Promise.all([
        gpu.run(step, { factor: 3, y: inout(words) }),
        gpu.run(idle, { factor: 3, y: inout(others) }),
      ]);
      expectSame(first.y, stepped(words, 3));
      expectSame(second.y, others);
    }));
});

describe("a run that binds no result", () => {
  const wgsl = `@group(0) @binding(0) var<storage, read> x: array<u32>;
    @group(0) @binding(1) var<storage, read_write> sum: atomic<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&x)) { atomicAdd(&sum, x[id.x]); }
    }`;

  it("works on resident arrays alone and resolves with no results, also in a sequence", () =>
    usingBackend(async (gpu) => {
      const count = defineKernel({ label: "count", wgsl, threads: ({ x }) => x.length });
      const x = await gpu.array(new Uint32Array([1, 2, 3]));
      const sum = await gpu.array(Uint32Array, 1);
      await gpu.prepare(count);
      expect(await gpu.run(count, { x, sum })).toEqual({});
      expect(await gpu.run(count, { x: new Uint32Array([10, 20]), sum })).toEqual({});
      expectSame(await sum.read(), new Uint32Array([36]));
      const sequence = await gpu.record({}, (run) => {
        run(count, { x, sum });
      });
      expect(await sequence.replay()).toEqual({});
      expectSame(await sum.read(), new Uint32Array([42]));
    }));

  it("must say how many threads run", () =>
    usingBackend(async (gpu) => {
      const count = defineKernel({ label: "count", wgsl });
      const x = await gpu.array(new Uint32Array([1, 2, 3]));
      const sum = await gpu.array(Uint32Array, 1);
      await expectError(gpu.run(count, { x, sum }), "invalid-kernel", /"count".*`threads: \({ x }\) => x\.length`/);
      expect(await gpu.run(count, { x, sum }, { threads: 3 })).toEqual({});
      expectSame(await sum.read(), new Uint32Array([6]));
    }));
});
