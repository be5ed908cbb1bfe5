/** The work that is played while the device fails: all features of a persistent backend, in independent parts. */
import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import { type ComputeBackend, inout, lease, output, type TypedArray } from "@kiln-gpu/core";
import { exclusiveScan, exclusiveScanReference, fieldAdd, fieldAddReference, saxpy } from "@kiln-gpu/kernels";
import { combine, combined, expectSame, RandomData, step, stepped } from "@kiln-gpu/test-support";

const data = new RandomData(61);

/** Receives every promise of the backend with the result that it must have unless it rejects. */
export type Judge = <T>(what: string, promise: Promise<T>, check?: (value: T) => void) => Promise<T | undefined>;

export type Part = (gpu: PersistentComputeBackend, judge: Judge) => Promise<void>;

const same = (expected: TypedArray) => (actual: TypedArray) => expectSame(actual, expected);

async function add(gpu: ComputeBackend, judge: Judge, length: number, options = {}): Promise<void> {
  const [a, b] = [data.floats(length), data.floats(length)];
  const run = gpu.run(fieldAdd, { a, b, c: output(Float32Array, length) }, options);
  await judge(`the addition of ${length}`, run, ({ c }) => expectSame(c, fieldAddReference(a, b)));
}

export const parts = {
  async "plain runs"(gpu, judge) {
    // The commands of the third run were recorded ahead.
    for (const length of [100, 100, 100, 1500]) await add(gpu, judge, length);
  },

  async "uniforms and several passes"(gpu, judge) {
    for (let i = 0; i < 2; i += 1) {
      const [x, y] = [data.floats(500), data.floats(500)];
      const scaled = y.map((value, at) => Math.fround(value + x[at]!));
      await judge("saxpy", gpu.run(saxpy, { alpha: 1, x, y: inout(y) }), (results) => expectSame(results.y, scaled));
      const values = data.words(3000);
      const scan = gpu.run(exclusiveScan, { values, prefixes: output(Uint32Array, values.length) });
      await judge("a scan", scan, ({ prefixes }) => expectSame(prefixes, exclusiveScanReference(values)));
    }
  },

  async batches(gpu, judge) {
    for (const lengths of [
      [100, 200, 100, 50],
      [100, 100, 100],
      [100, 100, 100],
      [100, 100, 100],
    ]) {
      await Promise.all(lengths.map((length) => add(gpu, judge, length)));
    }
  },

  async "a large upload"(gpu, judge) {
    for (let i = 0; i < 2; i += 1) await add(gpu, judge, 70_000);
  },

  async preparation(gpu, judge) {
    await judge("a preparation", gpu.prepare(fieldAdd));
    await add(gpu, judge, 64);
  },

  async profile(gpu, judge) {
    for (let i = 0; i < 2; i += 1) await add(gpu, judge, 100, { profile: true });
  },

  async "staged memory"(gpu, judge) {
    for (let i = 0; i < 2; i += 1) {
      const [a, b] = [data.floats(1000), data.floats(1000)];
      const staged = await judge("a staging", gpu.stage(Float32Array, 1000));
      if (!staged) continue;
      try {
        staged.data.set(a);
      } catch {
        // The device was lost with its memory.
      }
      const run = gpu.run(fieldAdd, { a: staged, b, c: output(Float32Array, 1000) });
      await judge("a run of staged memory", run, ({ c }) => expectSame(c, fieldAddReference(a, b)));
    }
    (await judge("a staging for nothing", gpu.stage(Float32Array, 10)))?.release();
  },

  async leases(gpu, judge) {
    for (let i = 0; i < 2; i += 1) {
      const [a, b] = [data.floats(1000), data.floats(1000)];
      const results = await judge("a lease", gpu.run(fieldAdd, { a, b, c: lease(Float32Array, 1000) }), ({ c }) =>
        expectSame(c.data, fieldAddReference(a, b)),
      );
      results?.c.release();
    }
  },

  async "resident arrays"(gpu, judge) {
    const given = data.words(300);
    const zeros = await judge("an array of zeros", gpu.array(Uint32Array, 300));
    const array = await judge("an array", gpu.array(given));
    if (zeros && array) {
      const runs = [
        judge("a run over an array", gpu.run(step, { factor: 3, y: array })),
        judge("a copy", zeros.copyFrom(array)),
        judge("the reading of a copy", zeros.read(), same(stepped(given, 3))),
        judge("a write", array.write(given)),
        judge("the reading of what was written", array.read(), same(given)),
      ];
      await Promise.all(runs);
    }
    const other = await judge("another array", gpu.array(given));
    if (other) {
      // In one submission and in place, so a step that runs twice changes the result.
      const steps = [3, 5].map((factor) => judge("a step", gpu.run(step, { factor, y: other })));
      await Promise.all([
        ...steps,
        judge("the reading of two steps", other.read(), same(stepped(stepped(given, 3), 5))),
      ]);
    }
    other?.dispose();
    zeros?.dispose();
    array?.dispose();
  },

  async "repeated steps"(gpu, judge) {
    await judge("the preparation of steps", gpu.prepare(step));
    let before = data.words(300);
    const array = await judge("an array to step through", gpu.array(before));
    for (let i = 0; array && i < 4; i += 1) {
      const steps = [3, 5].map((factor) => judge("a repeated step", gpu.run(step, { factor, y: array })));
      if ((await Promise.all(steps)).includes(undefined)) break;
      before = stepped(stepped(before, 3), 5);
      await judge("the reading of repeated steps", array.read(), same(before));
    }
    array?.dispose();
  },

  async sequences(gpu, judge) {
    const [x, y] = [data.words(200), data.words(200)];
    const recording = gpu.record({ x, z: output(Uint32Array, 200) }, (run, { x: input, z }) => {
      run(combine, { x: input, y, z });
      run(step, { factor: 5, y: z });
    });
    const sequence = await judge("a recording", recording);
    if (!sequence) return;
    for (const given of [x, data.words(200), data.words(200)]) {
      await judge("a replay", sequence.replay({ x: given }), ({ z }) => expectSame(z, stepped(combined(given, y), 5)));
    }
    sequence.dispose();
  },

  /** The first upload of this size measures the device. The number of calls depends on its clock. */
  async "the measuring of uploads"(gpu, judge) {
    for (let i = 0; i < 2; i += 1) await add(gpu, judge, 5000);
  },
} satisfies Readonly<Record<string, Part>>;

export type PartName = keyof typeof parts;
