/** Blocks in memory: their layouts, uniforms and push constants. */
import { inout, output } from "@kiln-gpu/core";
import type { CorpusKernel, CorpusRun } from "./corpus-kernel.js";
import type { RandomData } from "./random-data.js";

function uniformVectors(random: RandomData) {
  const [alpha, x, y, z] = random.floats(4);
  const basis = [...random.floats(9)];
  const list = [[...random.floats(4)], [...random.floats(4)]];
  const first = [...random.floats(3)];
  const [count] = random.integers(1, 1000);
  const [second, unread, last] = random.naturals(3, 1000);
  return {
    params: {
      alpha: alpha!,
      offset: [x!, y!, z!],
      count: count!,
      basis,
      list,
      pair: { first, second: second! },
      last: [unread!, last!],
    },
    expected: Float32Array.of(alpha!, x!, y!, z!, count!, ...basis, ...list.flat(), ...first, second!, last!),
  };
}

const vector = [1, 2, 3, 4];
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The block of `storage-row-major`, in floats: row by row, but for `plain`. */
function rowMajorRun(random: RandomData): CorpusRun {
  const io = random.floats(64);
  const m = (c: number, r: number) => r * 4 + c;
  const n = (c: number, r: number) => 16 + r * 4 + c;
  const list = (k: number, c: number, r: number) => 32 + k * 4 + r * 2 + c;
  const item = (k: number, c: number, r: number) => 44 + k * 8 + r * 2 + c;
  const plain = (c: number, r: number) => 60 + c * 2 + r;
  const cells = (columns: number, rows: number, of: (c: number, r: number) => number) =>
    range(columns).flatMap((c) => range(rows).map((r) => of(c, r)));
  const expected = Float32Array.of(
    ...range(4).map((r) =>
      dot(
        [0, 1, 2, 3].map((c) => io[m(c, r)]!),
        vector,
      ),
    ),
    ...range(4).map((r) =>
      dot(
        [0, 1, 2].map((c) => io[n(c, r)]!),
        vector,
      ),
    ),
    ...cells(3, 4, (c, r) => io[n(c, r)]! * 9),
    ...range(3).flatMap((k) => cells(2, 2, (c, r) => io[list(k, c, r)]! * 5)),
    ...cells(2, 3, (c, r) => io[item(1, c, r)]!),
    io[44 + 8 + 6]!,
    ...cells(2, 2, (c, r) => io[plain(c, r)]!),
  );
  const after = io.slice();
  for (const c of [0, 1]) for (const r of [0, 1, 2]) after[item(0, c, r)] = 1 + c * 3 + r;
  after[44 + 6] = 7;
  for (const r of [0, 1, 2, 3]) after[m(1, r)] = 10 * (r + 1);
  for (const c of [2, 3]) after[m(c, c - 1)] = 50 + c;
  for (const c of [0, 1]) for (const r of [0, 1]) after[list(1, c, r)] = 60 + c * 20 + r * 10;
  for (const k of [1, 2]) after[list(k, k - 1, 1)]! *= 0.5;
  for (const r of [0, 1]) after[plain(1, r)] = -1 - r;
  const bindings = { "0/0": inout(io), "0/1": output(Float32Array, expected.length) };
  return { workgroups: 1, bindings, expected: { "0/0": after, "0/1": expected } };
}

function uniformRowMajorRun(random: RandomData): CorpusRun {
  const [basis, plain] = [random.floats(9), random.floats(9)];
  const list = [random.floats(12), random.floats(12)];
  const moved = random.floats(12);
  const params = { basis: [...basis], plain: [...plain], list: list.map((rows) => [...rows]), scale: 0.5 };
  const expected = Float32Array.of(
    ...range(9).map((i) => basis[(i % 3) * 3 + Math.floor(i / 3)]! * 0.5 + plain[i]!),
    ...list.flatMap((rows) =>
      range(3).map((r) => dot([...rows.subarray(4 * r, 4 * r + 4)], vector) + rows[4 * r + 3]!),
    ),
    ...range(4).map((c) =>
      dot(
        [0, 1, 2].map((r) => moved[4 * r + c]!),
        vector,
      ),
    ),
  );
  return {
    workgroups: 1,
    bindings: { "0/0": params, "0/1": output(Float32Array, expected.length), "0/2": { moved: [...moved] } },
    expected: { "0/1": expected },
  };
}

/** HLSL's matrices are stored column by column, except `n`. */
function hlslMatricesRun(random: RandomData): CorpusRun {
  const [m, n, v] = [random.floats(16), random.floats(12), random.floats(2)];
  const items = random.floats(30);
  const a = (k: number, r: number, c: number) => k * 10 + c * 2 + r;
  const expected = Float32Array.of(
    ...range(4).map((r) =>
      dot(
        [0, 1, 2, 3].map((c) => m[c * 4 + r]!),
        vector,
      ),
    ),
    ...range(4).map(
      (c) =>
        dot(
          [0, 1, 2].map((r) => n[r * 4 + c]!),
          vector,
        ) +
        v[0]! -
        v[1]!,
    ),
    ...range(12).map((i) => m[(i % 4) * 4 + Math.floor(i / 4)]! * 4 + n[i]!),
    ...range(8).map((i) => items[a(1, Math.floor(i / 4), i % 4)]! + items[18]!),
  );
  const after = items.slice();
  after.set(items.subarray(10, 19), 20);
  after[a(0, 1, 2)] = 5;
  for (const c of [0, 1, 2, 3]) after[a(0, 0, c)] = c + 1;
  const params = { m: [...m], n: [...n], v: [...v] };
  return {
    workgroups: 1,
    bindings: { "0/0": params, "0/1": inout(items), "0/2": output(Float32Array, expected.length) },
    expected: { "0/1": after, "0/2": expected },
  };
}

export const memoryKernels = {
  "storage-row-major": { runs: (random) => [rowMajorRun(random)] },
  "uniform-row-major": { runs: (random) => [uniformRowMajorRun(random)] },
  "row-major": { runs: (random) => [hlslMatricesRun(random)] },
  add: {
    runs(random) {
      const [a, b] = [random.floats(150), random.floats(150)];
      return [
        {
          workgroups: 3,
          bindings: { "0/0": a, "0/1": b, "0/2": output(Float32Array, 150) },
          expected: { "0/2": a.map((value, i) => value + b[i]!) },
        },
      ];
    },
  },
  "uniform-vectors": {
    runs(random) {
      const { params, expected } = uniformVectors(random);
      const out = output(Float32Array, expected.length);
      return [{ workgroups: 1, bindings: { "0/0": params, "0/1": out }, expected: { "0/1": expected } }];
    },
  },
  "storage-std430": {
    runs(random) {
      // A header of 16 bytes, then bodies of 48: position, mass, cell, three flags, and 4 bytes to the next multiple of
      // 16.
      const count = 13;
      const bytes = new ArrayBuffer(16 + 48 * 16);
      const [floats, integers, naturals] = [new Float32Array(bytes), new Int32Array(bytes), new Uint32Array(bytes)];
      naturals[0] = count;
      const expected = new Float32Array(16);
      for (let i = 0; i < 16; i += 1) {
        const at = 4 + 12 * i;
        floats.set(random.floats(4), at);
        integers.set(random.integers(2, 100), at + 4);
        naturals.set(random.naturals(3, 1000), at + 6);
        const dot = floats[at]! + 2 * floats[at + 1]! + 3 * floats[at + 2]!;
        const sum = floats[at + 3]! * dot + (integers[at + 4]! - integers[at + 5]!) + naturals[at + 6 + (i % 3)]!;
        if (i < count) expected[i] = sum;
      }
      return [
        {
          workgroups: 2,
          bindings: { "0/0": naturals, "0/1": output(Float32Array, 16) },
          expected: { "0/1": expected },
        },
      ];
    },
  },
  "storage-gap": {
    runs(random) {
      // A scale, from byte 32 on a shift, and from byte 64 on the numbers.
      const words = random.naturals(24, 1000);
      const scale = 0.5;
      new Float32Array(words.buffer)[0] = scale;
      words[8] = 3;
      const expected = Float32Array.from({ length: 8 }, (_, i) => scale * (words[16 + i]! >>> 3));
      return [
        { workgroups: 2, bindings: { "0/0": words, "0/1": output(Float32Array, 8) }, expected: { "0/1": expected } },
      ];
    },
  },
  "explicit-offsets": {
    runs(random) {
      const words = random.naturals(52 + 8, 100);
      const floats = new Float32Array(words.buffer);
      const at = { third: 16, turned: 24, items: 32, rest: 52 };
      for (const start of [at.third, at.third + 1, at.third + 2, 24, 25, 26, 27, 34, 35, 38, 39, 42, 43]) {
        floats[start] = random.naturals(1, 50)[0]!;
      }
      const params = { a: [1, 2], b: 3, small: [{ v: [4, 5] }, { v: [6, 7] }] };
      const push = { c: 8, d: 9 };
      const expected = Float32Array.from({ length: 8 }, (_, i) => {
        const item = at.items + 4 * (i % 2);
        const sum = words[0]! + words[3]! * words[item]! + floats[at.third + 2]! + floats[at.turned + 2]!;
        const more = 2 + 3 + params.small[i % 2]!.v[1]! + push.c + push.d;
        return sum + floats[item + 3]! + words[at.rest + i]! + 8 + more;
      });
      const after = words.slice();
      after[29] = 77;
      new Float32Array(after.buffer).set([5, 6], at.items + 10);
      return [
        {
          workgroups: 2,
          bindings: { "0/0": inout(words), "0/1": params, "0/2": output(Float32Array, 8), "0/3": push },
          expected: { "0/0": after, "0/2": expected },
        },
      ];
    },
  },
  "push-constants": {
    runs(random) {
      const x = random.floats(16);
      const push = { direction: [...random.floats(3)], scale: 2.5, n: 11, shift: [...random.integers(2, 50)] };
      const added = push.direction[1]! + (push.shift[0]! - push.shift[1]!);
      const expected = x.map((value, i) => (i < push.n ? push.scale * value + added : 0));
      const bindings = { "0/0": x, "0/1": output(Float32Array, 16), "0/2": push };
      return [{ workgroups: 2, bindings, expected: { "0/1": expected } }];
    },
  },
  "push-constants-tight": {
    runs(random) {
      const x = random.floats(16);
      const push = { n: 13, weights: [...random.floats(4)] };
      const expected = x.map((value, i) => (i < push.n ? value * push.weights[i & 3]! : 0));
      const bindings = { "0/0": x, "0/1": output(Float32Array, 16), "0/2": push };
      return [{ workgroups: 2, bindings, expected: { "0/1": expected } }];
    },
  },
  "constant-buffer": {
    runs(random) {
      const [alpha, x, y, z] = random.floats(4);
      const lights = [0, 1].map(() => ({ position: [...random.floats(3)], kind: random.naturals(1, 100)[0]! }));
      const list = [[...random.floats(4)], [...random.floats(4)]];
      const params = { offset: [x!, y!, z!], alpha: alpha!, count: -7, unread: 1, last: [3, 9], lights, list };
      const perLight = lights.flatMap(({ position, kind }, i) => [position[2]! + kind, list[i]![1]!]);
      const expected = Float32Array.of(alpha!, x!, y!, z!, 2, ...perLight);
      return [
        { workgroups: 1, bindings: { "0/0": params, "0/1": output(Float32Array, 9) }, expected: { "0/1": expected } },
      ];
    },
  },
  structures: {
    runs(random) {
      const particles = random.floats(8 * 8);
      const expected = particles.slice();
      for (let at = 0; at < expected.length; at += 8) {
        const [vx, vy, vz] = expected.slice(at + 4, at + 7);
        for (let k = 0; k < 3; k += 1) expected[at + k]! += expected[at + 4 + k]! * 0.5;
        if (expected[at + 3]! > 0) expected.set([-vz!, -vy!, -vx!], at + 4);
        else expected[at + 7]! *= 2;
      }
      return [{ workgroups: 1, bindings: { "0/0": inout(particles) }, expected: { "0/0": expected } }];
    },
  },
  "byte-address": {
    runs(random) {
      const x = random.naturals(32);
      const bitCount = (value: number) => value.toString(2).replaceAll("0", "").length;
      const expected = Uint32Array.from({ length: 16 }, (_, i) => Math.imul(x[2 * i]!, 3) + bitCount(x[2 * i + 1]!));
      return [{ workgroups: 2, bindings: { "0/0": x, "0/1": output(Uint32Array, 16) }, expected: { "0/1": expected } }];
    },
  },
  barriers: {
    runs(random) {
      const x = random.naturals(32);
      const swapped = x.map((_, i) => Math.imul(x[i ^ 1]!, 3));
      const bindings = { "0/0": inout(x), "0/1": output(Uint32Array, 32) };
      return [{ workgroups: 1, bindings, expected: { "0/0": swapped, "0/1": swapped } }];
    },
  },
} satisfies Record<string, CorpusKernel>;
