import { type Bindings, bytes, defineKernel, inout, lease, output, type Staged, temporary } from "@kiln-gpu/core";
import { roleOf } from "@kiln-gpu/core/backend";
import { exclusiveScan, exclusiveScanReference, fieldAdd, fieldAddReference, saxpy } from "@kiln-gpu/kernels";
import { combine, combined, expectError, expectSame, RandomData, step, stepped } from "@kiln-gpu/test-support";
import { describe, expect, expectTypeOf, it } from "vitest";
import { usingBackend } from "../using-backend.test-support.js";

const data = new RandomData(47);

/** Keeps the words that are not 0, in any order, and counts them. */
const compact = defineKernel({
  label: "compact",
  wgsl: `@group(0) @binding(0) var<storage, read> words: array<u32>;
    @group(0) @binding(1) var<storage, read_write> kept: array<u32>;
    @group(0) @binding(2) var<storage, read_write> count: atomic<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= arrayLength(&words) || words[id.x] == 0) { return; }
      let place = atomicAdd(&count, 1);
      if (place < arrayLength(&kept)) { kept[place] = words[id.x]; }
    }`,
  threads: ({ words }) => words.length,
});

describe("a sequence", () => {
  it("returns as many elements as another of its parameters counts, under its own names", () =>
    usingBackend(async (gpu) => {
      const words = (...given: number[]) => Uint32Array.from({ length: 8 }, (_, i) => given[i] ?? 0);
      const found = output(Uint32Array, 4, { length: "total" });
      const parameters = { input: words(3), found, total: output(Uint32Array, 1) };
      const sequence = await gpu.record(parameters, (run, { input, found, total }) => {
        run(compact, { words: input, kept: found, count: total });
      });
      expectSame((await sequence.replay()).found, new Uint32Array([3]));
      expectSame((await sequence.replay({ input: words(0, 5, 0, 7, 9) })).found.sort(), new Uint32Array([5, 7, 9]));
      expect((await sequence.replay({ input: words() })).found).toEqual(new Uint32Array(0));
      const into = new Uint32Array(4);
      const given = { input: words(6), found: output(Uint32Array, 4, { into, length: "total" }) };
      expect((await sequence.replay(given)).found.buffer).toBe(into.buffer);
      await expectError(
        sequence.replay({ input: words(1, 2, 3, 4, 5) }),
        "limit-exceeded",
        /"found" of "sequence" can have 4 elements.*"total" counts 5/,
      );
      const other = { found: output(Uint32Array, 4) };
      await expectError(
        sequence.replay(other),
        "invalid-binding",
        /of 4, counted by "total" as "found"; got an output/,
      );
      await expectError(
        gpu.record(
          { ...parameters, found: output(Uint32Array, 4, { length: "count" }) },
          (run, { input, found, total }) => {
            run(compact, { words: input, kept: found, count: total });
          },
        ),
        "invalid-binding",
        /Sequence "sequence" counts the elements of "found" by "count".*it is not bound/,
      );
    }));

  it("sets no immediates out of an array that has changed its length", () =>
    usingBackend(async (gpu) => {
      const kernel = defineKernel<Bindings>({
        label: "show",
        wgsl: `var<immediate> p: vec4u;
          @group(0) @binding(0) var<storage, read_write> y: array<u32>;
          @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = p[id.x]; }`,
      });
      const buffer = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 32 }]) as ArrayBuffer & {
        resize(byteLength: number): void;
      };
      const p = new Uint8Array<ArrayBuffer>(buffer);
      const parameters = {
        p: bytes(p),
        secret: bytes(new Uint8Array(16).fill(7)),
        y: output(Uint32Array, 4),
        z: output(Uint32Array, 4),
      };
      const sequence = await gpu.record(parameters, (run, { p, secret, y, z }) => {
        run(kernel, { p: secret, y: z });
        run(kernel, { p, y });
      });
      expectSame((await sequence.replay()).y, new Uint32Array(4));
      buffer.resize(8);
      await expectError(sequence.replay(), "invalid-binding", '"p" with 16 bytes, and now it has 8');
      buffer.resize(16);
      expectSame((await sequence.replay()).y, new Uint32Array(4));
      structuredClone(buffer, { transfer: [buffer] });
      await expectError(sequence.replay(), "invalid-binding", '"p" with 16 bytes, and now it has 0');
    }));

  it("sets new immediates in each replay, and binds what is on the GPU in their place", () =>
    usingBackend(async (gpu) => {
      const declared = (params: string) => `struct P { by: u32, more: vec2u } ${params}
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
          if (id.x < arrayLength(&y)) { y[id.x] = y[id.x] * p.by + p.more.y; }
        }`;
      const set = defineKernel<Bindings>({ label: "set", wgsl: declared("var<immediate> p: P;") });
      const bound = defineKernel<Bindings>({
        label: "bound",
        wgsl: declared("@group(0) @binding(1) var<uniform> p: P;"),
      });
      const a = data.words(300);
      const once = (values: Uint32Array, by: number, more: number) => values.map((value) => value * by + more);
      for (const order of [
        [set, bound],
        [bound, set],
        [set, set],
      ]) {
        const y = await gpu.array(a);
        const sequence = await gpu.record({ p: { by: 1, more: [0, 1] } }, (run, { p }) => {
          for (const kernel of order) run(kernel, { p, y });
          run(set, { p: { by: 5, more: [0, 6] }, y });
        });
        let expected = a;
        for (const [by, more] of [
          [3, 4],
          [7, 8],
        ] as const) {
          await Promise.all([sequence.replay({ p: { by, more: [0, more] } })]);
          expected = once(once(once(expected, by, more), by, more), 5, 6);
          expectSame(await y.read(), expected);
        }
        await expectError(
          sequence.replay({ p: { by: 1, more: [1] as unknown as [number, number] } }),
          "invalid-binding",
          "p.more",
        );
      }
      const y = await gpu.array(a);
      const writes = defineKernel<Bindings>({
        label: "writes",
        wgsl: declared("@group(0) @binding(1) var<storage, read_write> p: P;"),
      });
      await expectError(
        gpu.record({ p: new Uint32Array(4) }, (run, { p }) => {
          run(set, { p, y });
          run(writes, { p, y });
        }),
        "invalid-binding",
        '"p" as an immediate and writes it',
      );
      const p = await gpu.array(new Uint32Array([3, 0, 0, 9]));
      await gpu.run(set, { p, y });
      const staged = await gpu.stage(Uint32Array, 4);
      staged.data.set([2, 0, 0, 1]);
      await gpu.run(set, { p: staged, y });
      const sequence = await gpu.record({}, (run) => run(set, { p, y }));
      await sequence.replay();
      await p.write(new Uint32Array([4, 0, 0, 2]));
      await sequence.replay();
      expectSame(await y.read(), once(once(once(once(a, 3, 9), 2, 1), 3, 9), 4, 2));
    }));

  it("takes for one run what only another run uses", () =>
    usingBackend(async (gpu) => {
      const text = `@group(0) @binding(0) var<storage, read> x: array<u32>;
        @group(0) @binding(1) var<uniform> factor: u32;
        @group(0) @binding(2) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(64) fn doubled(@builtin(global_invocation_id) id: vec3u) {
          if (id.x < arrayLength(&y)) { y[id.x] *= 2; }
        }
        @compute @workgroup_size(64) fn added(@builtin(global_invocation_id) id: vec3u) {
          if (id.x < arrayLength(&y)) { y[id.x] += factor * x[id.x]; }
        }`;
      const doubled = defineKernel({ label: "doubled", wgsl: text, entryPoint: "doubled" });
      const added = defineKernel({ label: "added", wgsl: text, entryPoint: "added" });
      const [a, b] = [data.words(300), data.words(300)];
      const x = await gpu.array(a);
      for (const order of [
        [doubled, added],
        [added, doubled],
      ]) {
        const y = await gpu.array(b);
        const sequence = await gpu.record({ factor: 1 }, (run, { factor }) => {
          for (const kernel of order) run(kernel, { x, factor, y });
        });
        let expected = b;
        for (const factor of [3, 5]) {
          await sequence.replay({ factor });
          for (const kernel of order) {
            expected = expected.map((element, i) => (kernel === doubled ? 2 * element : element + factor * a[i]!));
          }
          expectSame(await y.read(), expected);
        }
        await expectError(sequence.replay({ factor: "3" as unknown as number }), "invalid-binding", '"factor" is u32');
      }
      // Staged memory and arrays are taken for what is not used as for what is.
      const y = await gpu.array(b);
      const staged = await gpu.stage(Uint32Array, 300);
      await gpu.run(doubled, { x: staged, y });
      await expectError(gpu.run(doubled, { x: staged, y }), "invalid-binding", "was bound");
      await gpu.run(doubled, { x, y });
      expectSame(
        await y.read(),
        b.map((element) => 4 * element),
      );
      x.dispose();
      await expectError(gpu.run(doubled, { x, y }), "invalid-binding", "disposed");
    }));

  it("runs its chain over resident arrays as often as it is replayed, with new parameters", () =>
    usingBackend(async (gpu) => {
      let expected = data.words(300);
      const y = await gpu.array(expected);
      const sequence = await gpu.record({ factor: 3 }, (run, { factor }) => {
        for (let i = 0; i < 10; i += 1) {
          run(step, { factor, y });
          run(step, { factor: i + 7, y });
        }
      });
      expect(sequence.dispatches).toBe(20);
      for (const factor of [3, 5, 2 ** 31, 7]) {
        const results = await sequence.replay(factor === 3 ? {} : { factor });
        expect(results).toEqual({});
        for (let i = 0; i < 10; i += 1) expected = stepped(stepped(expected, factor), i + 7);
        expectSame(await y.read(), expected);
      }
    }));

  it("takes inputs and returns results of every kind, also through memory of its own", () =>
    usingBackend(async (gpu) => {
      const length = 1000;
      const [a, b] = [data.words(length), data.words(length)];
      const sequence = await gpu.record(
        {
          a,
          b: inout(b),
          middle: temporary(Uint32Array, length),
          last: output(Uint32Array, length),
          leased: lease(Uint32Array, length),
        },
        (run, { a, b, middle, last, leased }) => {
          run(combine, { x: a, y: b, z: middle });
          run(step, { factor: 9, y: b });
          run(combine, { x: middle, y: b, z: last });
          run(combine, { x: last, y: a, z: leased });
        },
      );
      const check = async (x: Uint32Array, y: Uint32Array, values: Parameters<typeof sequence.replay>[0]) => {
        const results = await sequence.replay(values);
        expectTypeOf(results.last).toEqualTypeOf<Uint32Array<ArrayBuffer>>();
        const after = stepped(y, 9);
        const sum = combined(combined(x, y), after);
        expectSame(results.b, after);
        expectSame(results.last, sum);
        expectSame(results.leased.data, combined(sum, x));
        results.leased.release();
        return results;
      };
      await check(a, b, {});
      const [c, d] = [data.words(length), data.words(length)];
      await check(c, b, { a: c });
      await check(a, d, { b: inout(d) });
      const into = new Uint32Array(length);
      expect((await check(c, d, { a: c, b: inout(d), last: output(Uint32Array, length, { into }) })).last).toBe(into);
      // What is not given is as it was recorded, with the elements that it has now.
      a[0] = 12345;
      await check(a, b, {});
    }));

  it("takes what is as its arrays were when it was recorded, whatever became of them", () =>
    usingBackend(async (gpu) => {
      const x = data.floats(100);
      const y = data.floats(100);
      const sequence = await gpu.record({ x, sum: output(Float32Array, 100) }, (run, { x, sum }) => {
        run(fieldAdd, { a: x, b: y, c: sum });
      });
      structuredClone(x, { transfer: [x.buffer] });
      const other = data.floats(100);
      expectSame((await sequence.replay({ x: other })).sum, fieldAddReference(other, y));
      await expectError(sequence.replay(), "invalid-binding", /"x"/);
      sequence.dispose();
    }));

  it("gives every replay an array that is bound as it is as it was recorded, although a run writes it", () =>
    usingBackend(async (gpu) => {
      const kernel = defineKernel<Bindings>({
        label: "add one",
        wgsl: `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
          @group(0) @binding(1) var<storage, read_write> sum: array<u32>;
          @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
            if (id.x < arrayLength(&y)) { y[id.x] += 1; sum[id.x] = y[id.x]; }
          }`,
      });
      const words = data.words(100);
      const sequence = await gpu.record({ sum: output(Uint32Array, 100) }, (run, { sum }) => {
        run(kernel, { y: words, sum });
      });
      const expected = words.map((word) => word + 1);
      for (let i = 0; i < 3; i += 1) expectSame((await sequence.replay()).sum, expected);
    }));

  it("finds memory of its own zero in every replay, and outputs where nothing is written", () =>
    usingBackend(async (gpu) => {
      const sequence = await gpu.record(
        { scratch: temporary(Uint32Array, 64), result: output(Uint32Array, 100) },
        (run, { scratch, result }) => {
          run(step, { factor: 2, y: scratch });
          run(step, { factor: 2, y: scratch });
          run(combine, { x: scratch, y: scratch, z: result }, { workgroups: 1 });
        },
      );
      const ones = stepped(stepped(new Uint32Array(64), 2), 2);
      const expected = new Uint32Array(100);
      expected.set(combined(ones, ones));
      for (let i = 0; i < 4; i += 1) expectSame((await sequence.replay()).result, expected);
    }));

  // Small inputs share a buffer; of 2 MiB each has its own.
  it.each([10, 1001, 2 ** 19])(
    "takes staged memory in place of any of its inputs of %i elements, replay by replay",
    (length) =>
      usingBackend(async (gpu) => {
        const [a, b] = [data.words(length), data.words(length)];
        const more = data.words(7);
        const sequence = await gpu.record(
          { a, b, c: inout(b), few: more, out: output(Uint32Array, length), sum: lease(Uint32Array, 7) },
          (run, { a, b, c, few, out, sum }) => {
            run(combine, { x: a, y: c, z: out });
            run(combine, { x: b, y: out, z: c });
            run(combine, { x: few, y: few, z: sum });
          },
        );
        const staged = async (values: Uint32Array) => {
          const memory = await gpu.stage(Uint32Array, values.length);
          memory.data.set(values);
          return memory;
        };
        for (let i = 0; i < 16; i += 1) {
          const [x, y, z] = [data.words(length), data.words(length), data.words(7)];
          const out = combined(x, b);
          const into = new Uint32Array(length);
          const handed = i & 1 ? await staged(x) : x;
          const replay = sequence.replay({
            a: handed,
            b: i & 2 ? await staged(y) : y,
            few: i & 4 ? await staged(z) : z,
            ...(i & 8 ? { out: output(Uint32Array, length, { into }) } : {}),
          });
          if (roleOf(handed) === "staged") expect(() => (handed as Staged).data).toThrow(/was bound or released/);
          const results = await replay;
          expectTypeOf(results.out).toEqualTypeOf<Uint32Array<ArrayBuffer>>();
          expectSame(results.out, out);
          if (i & 8) expect(results.out).toBe(into);
          expectSame(results.c, combined(y, out));
          expectSame(results.sum.data, combined(z, z));
          results.sum.release();
        }
        expectSame((await sequence.replay()).c, combined(b, combined(a, b)));
      }),
  );

  it("uploads nothing where all its large inputs are staged, and makes nothing once it is warm", () =>
    usingBackend(
      async (gpu) => {
        const length = 2 ** 19;
        const values = data.words(length);
        const [a, b] = [values, values];
        const sequence = await gpu.record({ a, b, c: lease(Uint32Array, length) }, (run, { a, b, c }) => {
          run(combine, { x: a, y: b, z: c });
        });
        const replay = async () => {
          const [a, b] = await Promise.all([gpu.stage(Uint32Array, length), gpu.stage(Uint32Array, length)]);
          a.data.set(values);
          b.data.set(values);
          using sum = (await sequence.replay({ a, b })).c;
          expectSame(sum.data, combined(values, values));
        };
        await replay();
        await replay();
        const { buffers, bindGroups, pipelines } = gpu.stats();
        // a, b and c on the device, the lease, and the staged memory; none besides.
        expect(buffers.live).toBe(6);
        for (let i = 0; i < 5; i += 1) await replay();
        expect(gpu.stats().buffers.made).toBe(buffers.made);
        expect(gpu.stats().bindGroups.made).toBe(bindGroups.made);
        expect(gpu.stats().pipelines.made).toBe(pipelines.made);
      },
      { maxSubmissions: 1 },
    ));

  it("reads what it is given once, and keeps nothing of the object that it was recorded with", () =>
    usingBackend(async (gpu) => {
      const length = 64;
      const [x, y, secret] = [data.words(length), data.words(length), new Uint32Array(length).fill(0x5ec4e7)];
      const parameters: { x: Uint32Array; z: ReturnType<typeof output<Uint32Array>> } = {
        x,
        z: output(Uint32Array, length),
      };
      const sequence = await gpu.record(parameters, (run, { x, z }) => run(combine, { x, y, z }));
      const staged = await gpu.stage(Uint32Array, length);
      staged.data.set(y);
      // Whatever is staged or gathered for another run is not to be seen here.
      const other = () => gpu.run(combine, { x: secret, y: secret, z: output(Uint32Array, length) });
      await other();
      Object.assign(parameters, { x: staged });
      expectSame((await sequence.replay()).z, combined(x, y));
      await other();
      expectSame((await sequence.replay(Object.create({ x: staged }) as object)).z, combined(x, y));
      let reads = 0;
      const given = {
        get x() {
          reads += 1;
          return reads === 1 ? staged : x;
        },
      };
      await other();
      expectSame((await sequence.replay(given)).z, combined(y, y));
      expect(reads).toBe(1);
      expect(() => staged.data).toThrow(/was bound or released/);
    }));

  it("shares buffers among its arrays as runs do, but for inputs that staged memory may replace", () =>
    usingBackend(async (gpu) => {
      const length = 2 ** 19;
      const names = [0, 1, 2, 3];
      const { made } = gpu.stats().buffers;
      const parameters = Object.fromEntries(
        names.flatMap((i) => [
          [`x${i}`, data.words(length)],
          [`z${i}`, output(Uint32Array, length)],
        ]),
      );
      const sequence = await gpu.record(parameters, (run, references) => {
        for (const i of names)
          run(combine, { x: references[`x${i}`]!, y: references[`x${i}`]!, z: references[`z${i}`]! });
      });
      await sequence.replay();
      // One for each input, one for all outputs; one staging buffer each way.
      expect(gpu.stats().buffers.made - made).toBe(names.length + 3);
    }));

  it("is made of ready-made kernels, of several passes too", () =>
    usingBackend(async (gpu) => {
      const words = data.words(5000, 1000);
      const scan = await gpu.record(
        { values: words, prefixes: output(Uint32Array, 5000) },
        (run, { values, prefixes }) => run(exclusiveScan, { values, prefixes }),
      );
      for (const values of [words, data.words(5000, 1000), data.words(5000, 1000)]) {
        expectSame((await scan.replay({ values })).prefixes, exclusiveScanReference(values));
      }
      const [a, b] = [data.floats(100), data.floats(100)];
      const add = await gpu.record({ a, c: output(Float32Array, 100) }, (run, { a, c }) => {
        run(fieldAdd, { a, b, c });
        run(saxpy, { alpha: 1, x: b, y: c });
      });
      expectSame((await add.replay()).c, fieldAddReference(fieldAddReference(a, b), b));
    }));
});
