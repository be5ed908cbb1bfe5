import {
  type Bindings,
  bindingRole,
  bytes,
  type ComputeBackend,
  defineKernel,
  inout,
  type KeepsArrays,
  lease,
  output,
  type RecordRun,
  type RecordsSequences,
  type References,
  roleOf,
  type Staged,
  type StagesMemory,
  temporary,
} from "@kiln-gpu/core";
import { exclusiveScan, exclusiveScanReference, fieldAdd, fieldAddReference, saxpy } from "@kiln-gpu/kernels";
import {
  collectUnhandledRejections,
  combine,
  combined,
  expectError,
  expectNothingLive,
  expectSame,
  RandomData,
  sabotage,
  software,
  step,
  stepped,
  victimWorkgroups,
  withOwnDevice,
} from "@kiln-gpu/test-support";
import { describe, expect, expectTypeOf, it } from "vitest";
import { openPersistentBackend, type PersistentBackendOptions } from "../index.js";

type Backend = ComputeBackend & KeepsArrays & RecordsSequences & StagesMemory;

const data = new RandomData(47);

async function using(work: (gpu: Backend) => Promise<void>, options: PersistentBackendOptions = {}): Promise<void> {
  const gpu = await openPersistentBackend({ ...(options.device ? {} : software), ...options });
  try {
    await work(gpu);
  } finally {
    await gpu.dispose();
    expectNothingLive(gpu);
  }
}

describe("a sequence", () => {
  it("sets no immediates out of an array that has changed its length", () =>
    using(async (gpu) => {
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
      await expectError(sequence.replay(), "invalid-binding", '"p" with 16 bytes, which are 8 now');
      buffer.resize(16);
      expectSame((await sequence.replay()).y, new Uint32Array(4));
      structuredClone(buffer, { transfer: [buffer] });
      await expectError(sequence.replay(), "invalid-binding", '"p" with 16 bytes, which are 0 now');
    }));

  it("sets new immediates in each replay, and binds what is on the GPU in their place", () =>
    using(async (gpu) => {
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
    using(async (gpu) => {
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
    using(async (gpu) => {
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
    using(async (gpu) => {
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
    using(async (gpu) => {
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

  it("finds memory of its own zero in every replay, and outputs where nothing is written", () =>
    using(async (gpu) => {
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
      using(async (gpu) => {
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
    using(
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
    using(async (gpu) => {
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
    using(async (gpu) => {
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
    using(async (gpu) => {
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

  it("is replayed many times at once, beside runs, reads and other sequences, in the order of the calls", () =>
    using(async (gpu) => {
      let expected = data.words(128);
      const y = await gpu.array(expected);
      const twice = await gpu.record({ factor: 1 }, (run, { factor }) => {
        run(step, { factor, y });
        run(step, { factor, y });
      });
      const host = await gpu.record({ x: expected, z: output(Uint32Array, 128) }, (run, { x, z }) =>
        run(combine, { x, y: x, z }),
      );
      const checks: Promise<unknown>[] = [];
      for (let factor = 2; factor < 60; factor += 1) {
        checks.push(twice.replay({ factor }));
        expected = stepped(stepped(expected, factor), factor);
        if (factor % 3 === 0) {
          checks.push(gpu.run(step, { factor, y }));
          expected = stepped(expected, factor);
        }
        if (factor % 5 === 0) {
          const now = expected;
          checks.push(y.read().then((given) => expectSame(given, now)));
        }
        const x = data.words(128);
        checks.push(host.replay({ x }).then(({ z }) => expectSame(z, combined(x, x))));
      }
      await Promise.all(checks);
      expectSame(await y.read(), expected);
    }));

  it("makes nothing in a warm replay", () =>
    using(async (gpu) => {
      const [x, y] = [await gpu.array(data.words(200)), await gpu.array(data.words(200))];
      const sequence = await gpu.record({ factor: 2, out: output(Uint32Array, 200) }, (run, { factor, out }) => {
        for (let i = 0; i < 100; i += 1) run(combine, i % 2 ? { x, y: x, z: y } : { x: y, y, z: x });
        run(step, { factor, y });
        run(combine, { x, y, z: out });
      });
      for (let i = 0; i < 5; i += 1) await sequence.replay({ factor: i });
      const before = gpu.stats();
      for (let i = 0; i < 50; i += 1) await sequence.replay({ factor: i });
      const after = gpu.stats();
      for (const kind of ["buffers", "bindGroups", "pipelines"] as const)
        expect(after[kind].made).toBe(before[kind].made);
      expect(after.submissions - before.submissions).toBe(50);
      expect(after.runs.completed - before.runs.completed).toBe(50);
    }));

  it("has its constants until its last replay has ended, also when its backend is disposed", async () => {
    const gpu = await openPersistentBackend({ ...software, maxSubmissions: 1 });
    const [x, zeros] = [data.words(2048), new Uint32Array(2048)];
    const z = output(Uint32Array, 2048);
    const sequence = await gpu.record({ z }, (run, { z }) => run(combine, { x, y: zeros, z }));
    await sequence.replay();
    const other = data.words(2048);
    const first = gpu.run(combine, {
      x: other.subarray(0, 64),
      y: other.subarray(64, 128),
      z: output(Uint32Array, 64),
    });
    for (let i = 0; i < 4; i += 1) await null;
    const second = gpu.run(combine, { x: other, y: other, z });
    const replay = sequence.replay();
    await Promise.all([gpu.dispose(), first]);
    expectSame((await second).z, combined(other, other));
    expectSame((await replay).z, combined(x, zeros));
    expectNothingLive(gpu);
  });

  it("leaves nothing when its recording is aborted", () =>
    using(async (gpu) => {
      const stop = new AbortController();
      const y = data.words(100_000);
      const { signal } = stop;
      const recording = gpu.record({ y: inout(y) }, (run, { y }) => run(step, { factor: 2, y }), { signal });
      stop.abort();
      await expectError(recording, "aborted", /recording of sequence/);
      // Its memory is there for the next, which would have to be made otherwise.
      await (await gpu.record({ y: inout(y) }, (run, { y }) => run(step, { factor: 2, y }))).replay();
    }));

  it("tells where the time of a replay went", () =>
    using(async (gpu) => {
      const sequence = await gpu.record({ y: inout(data.words(64)) }, (run, { y }) => run(step, { factor: 2, y }));
      const { profile, y } = await sequence.replay({}, { profile: true });
      expect(y.length).toBe(64);
      expect(profile.totalMs).toBeGreaterThan(0);
      expect(profile.computeMs).toBeGreaterThan(0);
    }));

  it("frees its memory when it is disposed, once its replays have ended; and goes with its backend", () =>
    using(async (gpu) => {
      const y = data.words(50_000);
      const make = () => gpu.record({ y: inout(y) }, (run, { y }) => run(step, { factor: 2, y }));
      const sequence = await make();
      const replays = [sequence.replay(), sequence.replay()];
      sequence.dispose();
      sequence.dispose();
      for (const replay of replays) expectSame((await replay).y, stepped(y, 2));
      await expectError(sequence.replay(), "disposed", /"sequence".*record it again/);
      const { made } = gpu.stats().buffers;
      for (let i = 0; i < 5; i += 1) (await make()).dispose();
      expect(gpu.stats().buffers.made).toBe(made);
      await make();
    }));
});

describe("a sequence that cannot be", () => {
  it("is refused by name as it is recorded", () =>
    using(async (gpu) => {
      const y = await gpu.array(data.words(64));
      const floats = await gpu.array(Float32Array, 4);
      const label = "chain";
      let foreign: unknown;
      await expectError(
        gpu.record({}, () => {}, { label }),
        "invalid-option",
        /"chain" records no run/,
      );
      await expectError(
        gpu.record({ a: 1 }, (run) => run(step, { factor: 1, y }), { label }),
        "invalid-option",
        /parameter "a" that no run binds/,
      );
      await expectError(
        gpu.record({}, (run) => run(step, { factor: 1, y: output(Uint32Array, 64) } as never), { label }),
        "invalid-binding",
        /"chain" binds an output as "y" of kernel "step"; name it among the parameters/,
      );
      await expectError(
        gpu.record({}, (run) => run(step, { y } as never), { label }),
        "invalid-binding",
        /"step".*"factor".*missing/,
      );
      const other = await gpu.record({ f: 1 }, (run, { f }) => {
        run(step, { factor: f, y });
        foreign = f;
      });
      await expectError(
        gpu.record({}, (run) => run(step, { factor: foreign as never, y }), { label }),
        "invalid-binding",
        /parameter of another sequence/,
      );
      await expectError(
        gpu.record({ v: 2 }, (run, { v }) => {
          run(step, { factor: v, y });
          run(saxpy, { alpha: v, x: new Float32Array(4), y: floats });
        }),
        "invalid-binding",
        /"v" as u32 and as f32/,
      );
      await expectError(
        gpu.record({ p: inout(data.words(8)) }, (run, { p }) => run(combine, { x: p, y, z: p }), { label }),
        "invalid-binding",
        /"chain" binds "p" twice.*"combine"/,
      );
      await expectError(
        gpu.record({ k: 1 }, (run, { k }) => run(step, { factor: { k } as never, y }), { label }),
        "invalid-binding",
        /"chain" binds the reference of its parameter "k" as "factor.k", within "factor" of kernel "step"; parameters are whole/,
      );
      const field = await gpu.array(data.words(8), { label: "field" });
      await expectError(
        gpu.record({}, (run) => run(combine, { x: field, y, z: field }), { label }),
        "invalid-kernel",
        /"combine" binds the resident array "field" as "x" and as "z"/,
      );
      const named = await gpu.record({ profile: inout(data.words(8)) }, (run, { profile }) =>
        run(step, { factor: 1, y: profile }),
      );
      await expectError(named.replay({}, { profile: true }), "invalid-binding", /Sequence.*"profile"/);
      const bad = defineKernel({ label: "bad", wgsl: "@compute fn main() { nothing }" });
      await expect(gpu.record({}, (run) => run(bad, { y }))).rejects.toMatchObject({ name: "ComputeError" });
      await expect(
        gpu.record({}, () => {
          throw new Error("mine");
        }),
      ).rejects.toThrow("mine");
      other.dispose();
    }));

  it("is refused where its callback is asynchronous, which leaves nothing behind", () =>
    using(async (gpu) => {
      const y = await gpu.array(data.words(64));
      const ended = collectUnhandledRejections();
      const { made, live } = gpu.stats().buffers;
      let late: unknown;
      const build = async (run: RecordRun, { factor }: References<{ factor: number }>) => {
        run(step, { factor, y });
        await undefined;
        try {
          run(step, { factor, y });
        } catch (error) {
          late = error;
          throw error;
        }
      };
      await expectError(
        gpu.record({ factor: 2 }, build, { label: "chain" }),
        "invalid-option",
        /"chain": its function `build` returned a promise; it is called and read at once/,
      );
      expect(await ended()).toEqual([]);
      expect(late).toMatchObject({
        code: "invalid-option",
        message: expect.stringMatching(/"chain" is recorded already/),
      });
      expect(gpu.stats().buffers).toMatchObject({ made, live });
      const sequence = await gpu.record({ factor: 2 }, (run, { factor }) => run(step, { factor, y }));
      await sequence.replay();
    }));

  it("is refused by name as it is replayed, and serves on", () =>
    using(async (gpu) => {
      const y = await gpu.array(data.words(64));
      const sequence = await gpu.record(
        { factor: 2, x: data.words(64), z: output(Uint32Array, 64) },
        (run, { factor, x, z }) => {
          run(step, { factor, y });
          run(combine, { x, y, z });
        },
        { label: "chain" },
      );
      const replay = (values: object) => sequence.replay(values);
      await expectError(replay({ w: 1 }), "invalid-binding", /"chain" has no parameter "w"; it has "factor", "x", "z"/);
      await expectError(
        replay({ x: data.words(32) }),
        "invalid-binding",
        /Uint32Array of 64 as "x".*Uint32Array of 32/,
      );
      await expectError(replay({ x: data.floats(64) }), "invalid-binding", /Uint32Array of 64.*Float32Array of 64/);
      await expectError(replay({ z: output(Uint32Array, 3) }), "invalid-binding", /output Uint32Array of 64/);
      await expectError(replay({ x: undefined }), "invalid-binding", /as "x"; undefined is given/);
      await expectError(replay({ factor: [1, 2] }), "invalid-binding", /factor/);
      const before = await y.read();
      const x = data.words(64);
      expectSame((await sequence.replay({ x, factor: 3 })).z, combined(x, stepped(before, 3)));
      const stop = new AbortController();
      stop.abort();
      await expectError(sequence.replay({}, { signal: stop.signal }), "aborted", /sequence "chain"/);
      y.dispose();
      await expectError(sequence.replay(), "invalid-binding", /"chain".*array.*disposed/);
    }));

  it("is refused by name with staged memory that it cannot take, which stays its caller's", () =>
    using(async (gpu) => {
      const show = defineKernel<Bindings>({
        label: "show",
        wgsl: `var<immediate> p: vec4u;
          @group(0) @binding(0) var<storage, read_write> y: array<u32>;
          @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = p[id.x]; }`,
      });
      const label = "chain";
      const x = data.words(64);
      const sequence = await gpu.record(
        { p: new Uint32Array(4), factor: 2, x, w: inout(x), z: output(Uint32Array, 64), shown: output(Uint32Array, 4) },
        (run, { p, factor, x, w, z, shown }) => {
          run(show, { p, y: shown });
          run(step, { factor, y: w });
          run(combine, { x, y: w, z });
        },
        { label },
      );
      const replay = (values: object) => sequence.replay(values);
      const [few, right] = [await gpu.stage(Uint32Array, 4), await gpu.stage(Uint32Array, 64)];
      await expectError(
        replay({ x: few }),
        "invalid-binding",
        /Uint32Array of 64 as "x"; a staged Uint32Array of 4 is given/,
      );
      await expectError(replay({ w: right }), "invalid-binding", /inout Uint32Array of 64 as "w"; a staged/);
      await expectError(replay({ z: right }), "invalid-binding", /output Uint32Array of 64 as "z"; a staged/);
      await expectError(replay({ factor: few }), "invalid-binding", /a value as "factor"; a staged/);
      await expectError(replay({ x: { [bindingRole]: "staged" } }), "invalid-binding", /as "x"; a staged undefined/);
      await expectError(
        replay({ p: few }),
        "invalid-binding",
        /"chain" is given staged memory as "p", which is set while/,
      );
      few.data.fill(1);
      await using other = await openPersistentBackend(software);
      using foreign = await other.stage(Uint32Array, 64);
      await expectError(
        replay({ x: foreign }),
        "invalid-binding",
        /"chain" is given staged memory as "x" that another backend staged/,
      );
      foreign.data.set(x);
      right.data.set(x);
      expectSame((await sequence.replay({ x: right })).z, combined(x, stepped(x, 2)));
      await expectError(
        replay({ x: right }),
        "invalid-binding",
        /"chain" is given staged memory as "x" that was bound or released/,
      );
      const stop = new AbortController();
      stop.abort();
      const kept = await gpu.stage(Uint32Array, 64);
      await expectError(sequence.replay({ x: kept }, { signal: stop.signal }), "aborted", /"chain"/);
      kept.data.set(x);
      sequence.dispose();
      await expectError(sequence.replay({ x: kept }), "disposed", /"chain"/);
      expect(kept.data[3]).toBe(x[3]);
      await expectError(
        gpu.record({ x: kept as never }, () => {}, { label }),
        "invalid-binding",
        /"chain" has staged memory as its parameter "x"; record it with an array/,
      );
      expect(kept.data[3]).toBe(x[3]);
      const y = await gpu.array(x);
      await expectError(
        gpu.record({ y: y as never }, () => {}, { label }),
        "invalid-binding",
        /"chain" has a resident array as its parameter "y"; bind the array itself/,
      );
    }));

  it.each(["recording", "submit"] as const)(
    "by the device at %s rejects, with what was to work on its result",
    (time) =>
      withOwnDevice(async (device) => {
        await using(
          async (gpu) => {
            sabotage(device, time);
            const words = data.words(64);
            const y = await gpu.array(words);
            const victim = await gpu.record({ factor: 3 }, (run, { factor }) => {
              run(step, { factor, y });
              run(step, { factor, y }, { workgroups: [1, victimWorkgroups] });
            });
            const good = await gpu.record({ factor: 3 }, (run, { factor }) => run(step, { factor, y }));
            await Promise.all([
              expectError(victim.replay(), "invalid-kernel", /Sequence "sequence" was refused/),
              expectError(good.replay(), "dependency-failed", /"sequence".*refused/),
            ]);
            await good.replay();
            expectSame(await y.read(), stepped(words, 3));
          },
          { device },
        );
      }),
  );
});
