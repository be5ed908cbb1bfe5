/** Threads together: shared memory, barriers, atomics, subgroups, workgroup sizes and specialization constants. */
import { type Constants, inout, output } from "@kiln-gpu/core";
import type { CorpusKernel, CorpusRun } from "./corpus-kernel.js";
import type { RandomData } from "./random-data.js";

/**
 * The lanes of a subgroup of the software GPU; the kernels write down what they find, and the comparison holds them to
 * it.
 */
const subgroupSize = 4;

function inSubgroups(
  x: Uint32Array,
  perLane: (lane: number, all: readonly number[]) => readonly number[],
): Uint32Array {
  return Uint32Array.from(
    [...x].flatMap((_, i) => {
      const first = i - (i % subgroupSize);
      return [subgroupSize, ...perLane(i - first, [...x.subarray(first, first + subgroupSize)])];
    }),
  );
}

const sum = (values: readonly number[]) => values.reduce((total, value) => (total + value) >>> 0, 0);

function scanOf(x: Uint32Array, size: number): Uint32Array {
  const expected = x.slice();
  for (let i = 0; i < x.length; i += 1) if (i % size !== 0) expected[i]! += expected[i - 1]!;
  return expected;
}

function workgroupRun(width: number, height: number, constants?: Constants): CorpusRun {
  const area = width * height;
  const expected = Uint32Array.from({ length: 2 * area }, (_, i) => width * 10000 + height * 100 + (i % area));
  return {
    workgroups: 2,
    bindings: { "0/0": output(Uint32Array, 2 * area) },
    expected: { "0/0": expected },
    ...(constants && { constants }),
  };
}

function composedRun(width: number, constants?: Constants): CorpusRun {
  const height = width >> 1;
  const area = width * height;
  // (width, height, 1) swapped by (1, 3, 2), its last replaced, plus itself: (2 height.., width + height, area + 1).
  const expected = Uint32Array.from({ length: 2 * area }, (_, i) => (area + 1) * area * height + (height + width) + i);
  return {
    workgroups: [1, 2],
    bindings: { "0/0": output(Uint32Array, 2 * area) },
    expected: { "0/0": expected },
    ...(constants && { constants }),
  };
}

function specializedRun(random: RandomData, constants?: Constants): CorpusRun {
  const { 3: repeat = 7, 4: negate = false, 5: scale = 0.5, 6: shift = -2 } = constants ?? {};
  const x = random.floats(16);
  const expected = x.map((value) => {
    const total = value * Number(scale) * Number(repeat);
    return (negate ? -total : total) + Number(shift);
  });
  return {
    workgroups: 2,
    bindings: { "0/0": x, "0/1": output(Float32Array, 16) },
    expected: { "0/1": expected },
    ...(constants && { constants }),
  };
}

function arithmeticRun(random: RandomData, constants?: Constants): CorpusRun {
  const { 0: k = 5, 1: j = -7, 2: b = true } = constants ?? {};
  const [K, J] = [Number(k), Number(j)];
  const mixed = b ? Math.trunc(J / 2) : ((J % 4) + 4) % 4;
  const both = b && K > 3 ? (J >> 1) ^ 0x55 : 1000;
  const [y, z] = [K + 1, K << 2];
  const x = random.integers(16, 1000);
  const expected = x.map((value) => value * (K * 2 + 1) + mixed + y * (z - y) + both);
  return {
    workgroups: 2,
    bindings: { "0/0": x, "0/1": output(Int32Array, 16) },
    expected: { "0/1": expected },
    ...(constants && { constants }),
  };
}

function arrayRun(random: RandomData, depth: number, constants?: Constants): CorpusRun {
  const x = random.naturals(16, 100000);
  const tile = [...x.map((_, i) => x[(i + depth - 1) % 16]!), 1000];
  return {
    workgroups: 1,
    bindings: { "0/0": x, "0/1": output(Uint32Array, 16) },
    expected: { "0/1": x.map((value, i) => tile[i + 1]! + value) },
    ...(constants && { constants }),
  };
}

function phiOperandsRun(random: RandomData): CorpusRun {
  const x = random.naturals(129, 100);
  x[128] = 4;
  const lanes = Array.from({ length: 32 }, (_, i) => {
    const given = [...x.subarray(4 * i, 4 * i + 4)];
    const odd = given.reduce((is, value) => !is || value === 3, false);
    const s = sum(given);
    return { i, s, last: given[3]!, odd, t: s & 1 ? s * 2 : i };
  });
  const n = random.naturals(68, 1000);
  n.set(
    Uint32Array.from(
      lanes.filter(({ i }) => i % 2 === 0),
      ({ last }) => last,
    ),
    34,
  );
  const before = n.slice();
  const y = new Uint32Array(12 * 32);
  for (const lane of lanes) {
    const group = lanes.slice(lane.i & ~3, (lane.i & ~3) + 4);
    const { i, s, last, t } = lane;
    const result = [
      sum(group.map((each) => each.s)),
      sum(group.slice(0, i & 3).map((each) => each.s)),
      group[(i & 3) ^ 1]!.s,
      group[2]!.last,
      group.reduce((bits, each, k) => bits | (Number(each.odd) << k), 0),
      group.every((each) => each.odd) ? 1 : 2,
      group.some((each) => each.odd) ? 1 : 2,
      group[0]!.s,
      group[(i & 3) ^ 1]!.s + group[1]!.last,
      before[2 + i]!,
      before[34 + i]!,
      Math.max(...group.map((each) => each.t)),
    ];
    y.set(result, 12 * i);
    n[0]! += s;
    n[1] = Math.max(n[1]!, last);
    n[2 + i] = s;
    if (before[34 + i] === last) n[34 + i] = s;
    if (s & 1 && last > 50) n[66]! |= t;
    else if (s & 1) n[67]! += last;
  }
  const bindings = { "0/0": x, "0/1": output(Uint32Array, y.length), "0/2": inout(before) };
  return { workgroups: 1, bindings, expected: { "0/1": y, "0/2": n } };
}

function atomicMembersRun(random: RandomData): CorpusRun {
  const x = random.naturals(32, 1000);
  // Cells of a count, a weight and a place.
  const cells = random.naturals(32, 1000);
  const after = cells.slice();
  const bins = [0, 1].map(() => ({ slots: [1, 2, 3], cell: 7 }));
  for (const [i, value] of x.entries()) {
    const { slots } = bins[i & 1]!;
    slots[i % 3] = Math.max(slots[i % 3]!, value);
    bins[1]!.cell += 1;
    after[4 * (i & 3)]! += value;
  }
  const total = sum([...x]);
  const expected = x.map((_, i) => {
    const { slots, cell } = bins[i & 1]!;
    return total + 5 + 1 + total + slots[0]! + slots[1]! * 3 + slots[2]! * 5 + cell * 7 + 8 + 1 + 10;
  });
  after.set([total, 5, 11, 12, total, 5, 11, 12, bins[1]!.cell, 8, 9, 10], 16);
  const bindings = { "0/0": x, "0/1": inout(cells), "0/2": output(Uint32Array, 32) };
  return { workgroups: 1, bindings, expected: { "0/1": after, "0/2": expected } };
}

export const workgroupKernels = {
  "atomic-members": { runs: (random) => [atomicMembersRun(random)] },
  "phi-operands": { runs: (random) => [phiOperandsRun(random)] },
  "shared-reduction": {
    runs(random) {
      const x = random.naturals(256);
      const expected = Uint32Array.from({ length: 4 }, (_, group) => sum([...x.subarray(64 * group, 64 * group + 64)]));
      return [{ workgroups: 4, bindings: { "0/0": x, "0/1": output(Uint32Array, 4) }, expected: { "0/1": expected } }];
    },
  },
  "matrix-product": {
    runs(random) {
      const n = 16;
      const [a, b] = [random.floats(n * n), random.floats(n * n)];
      const expected = new Float32Array(n * n);
      for (let at = 0; at < n * n; at += 1) {
        const [row, column] = [Math.floor(at / n), at % n];
        for (let k = 0; k < n; k += 1) expected[at]! += a[row * n + k]! * b[k * n + column]!;
      }
      const bindings = { "0/0": a, "0/1": b, "0/2": output(Float32Array, n * n), "0/3": { n } };
      return [{ workgroups: [2, 2], bindings, expected: { "0/2": expected } }];
    },
  },
  histogram: {
    runs(random) {
      const x = random.naturals(256);
      const expected = new Uint32Array(16);
      for (const value of x) expected[value & 15]! += 1;
      return [
        { workgroups: 4, bindings: { "0/0": x, "0/1": inout(new Uint32Array(16)) }, expected: { "0/1": expected } },
      ];
    },
  },
  scan: {
    runs(random) {
      const x = random.naturals(192);
      return [
        {
          workgroups: 3,
          bindings: { "0/0": x, "0/1": output(Uint32Array, 192) },
          expected: { "0/1": scanOf(x, 64) },
        },
      ];
    },
  },
  atomics: {
    runs(random) {
      const x = random.integers(64, 2 ** 31);
      const u = Uint32Array.of(5, 0xffff_ffff, 1, 0xffff_ffff, 0, 0x1234_5678);
      const s = Int32Array.of(-3, 2 ** 31 - 1, -(2 ** 31));
      const [wantedU, wantedS] = [u.slice(), s.slice()];
      for (const value of x) {
        const word = value >>> 0;
        wantedU[0]! += word;
        wantedU[1] = Math.min(wantedU[1]!, word);
        wantedU[2] = Math.max(wantedU[2]!, word);
        wantedU[3]! &= word;
        wantedU[4]! |= word;
        wantedU[5]! ^= word;
        wantedS[0]! += value;
        wantedS[1] = Math.min(wantedS[1]!, value);
        wantedS[2] = Math.max(wantedS[2]!, value);
      }
      const bindings = { "0/0": x, "0/1": inout(u), "0/2": inout(s) };
      return [{ workgroups: 2, bindings, expected: { "0/1": wantedU, "0/2": wantedS } }];
    },
  },
  "atomic-compare": {
    runs(random) {
      const x = random.naturals(32);
      const start = random.naturals(1);
      const expected = Uint32Array.of(sum([...start, ...x]));
      return [{ workgroups: 1, bindings: { "0/0": inout(start), "0/1": x }, expected: { "0/0": expected } }];
    },
  },
  "subgroup-arithmetic": {
    runs(random) {
      const x = random.naturals(32, 1000);
      const expected = inSubgroups(x, (lane, all) => {
        const before = sum(all.slice(0, lane));
        const xor = all.reduce((a, b) => a ^ b);
        return [sum([...all]), Math.min(...all), Math.max(...all), before, before + all[lane]! + xor];
      });
      const bindings = { "0/0": x, "0/1": output(Uint32Array, expected.length) };
      return [{ workgroups: 1, bindings, expected: { "0/1": expected } }];
    },
  },
  "subgroup-shuffle": {
    runs(random) {
      const x = random.naturals(32, 1000);
      const expected = inSubgroups(x, (lane, all) => [
        all[lane ^ 1]!,
        all[2]!,
        all.reduce((bits, value, i) => bits | ((value & 1) << i), 0),
        all.every((value) => (value & 3) !== 0) ? 1 : 0,
        (all.some((value) => (value & 7) === 0) ? 1 : 0) + lane * 2 + all[0]!,
      ]);
      const bindings = { "0/0": x, "0/1": output(Uint32Array, expected.length) };
      return [{ workgroups: 1, bindings, expected: { "0/1": expected } }];
    },
  },
  "workgroup-private": {
    runs(random) {
      const x = random.naturals(96, 1000);
      const expected = new Uint32Array(128);
      for (const group of [0, 1, 2]) {
        const added = 3 + 4 * (group + 1) + (6 + 8 + group) + (group % 2 === 1 ? 7 : 5);
        for (let i = 0; i < 32; i += 1) expected[32 * group + i] = x[32 * group + 31 - i]! + added;
      }
      return [
        { workgroups: 4, bindings: { "0/0": x, "0/1": output(Uint32Array, 128) }, expected: { "0/1": expected } },
      ];
    },
  },
  "workgroup-uniform": {
    runs(random) {
      const x = random.naturals(256, 1000);
      const expected = new Uint32Array(128);
      for (const group of [0, 1, 2]) {
        const neighbor = (values: readonly number[], by: number) =>
          values.map((_, i) => values[(i + by + group) % 32]!);
        for (let block = group; block < 8; block += 4) {
          const values = [...x.subarray(32 * block, 32 * block + 32)];
          const moved = block % 2 === 1 ? neighbor(neighbor(values, 1), group) : neighbor(values, block);
          for (const [i, value] of moved.entries()) expected[32 * group + i]! += value + (block & group);
        }
      }
      return [
        { workgroups: 4, bindings: { "0/0": x, "0/1": output(Uint32Array, 128) }, expected: { "0/1": expected } },
      ];
    },
  },
  "subgroup-elect": {
    runs(random) {
      // Of some subgroups all values are equal, of others all but one.
      const x = Uint32Array.from(random.naturals(32, 1000), (value, i) => (i % 8 === 2 ? value + 1000 : i >> 2));
      const y = new Uint32Array(33);
      for (let i = 0; i < 32; i += 1) {
        y[i] = (i % 8 < 4 ? 0 : 7) + (i % subgroupSize === 0 ? 8 : 0);
      }
      y[32] = 32;
      return [{ workgroups: 1, bindings: { "0/0": x, "0/1": output(Uint32Array, 33) }, expected: { "0/1": y } }];
    },
  },
  ballots: {
    runs(random) {
      const x = random.naturals(128);
      const bits = (value: number) => value.toString(2).replaceAll("0", "").length;
      const lowest = (value: number) => 31 - Math.clz32(value & -value);
      const expected = Uint32Array.from(
        Array.from({ length: 32 }, (_, i) => {
          const [a, b, c, d] = x.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
          const lane = i % subgroupSize;
          const ballot = [0, 1, 2, 3].reduce((all, k) => all | ((x[4 * (i - lane + k)]! & 1) << k), 0);
          const before = 2 ** lane - 1;
          const [at, words] = [b & 127, [a, b, c, d]];
          return [
            bits(ballot),
            bits(ballot & (2 * before + 1)),
            bits(ballot & before),
            (ballot >> lane) & 1,
            (words[at >> 5]! >>> (at & 31)) & 1,
            c & b ? 64 + lowest(c & b) : 96 + lowest(d),
            lowest(ballot | 8),
            31 - Math.clz32(ballot | 1),
            bits(a & 15),
            bits(a & before),
          ];
        }).flat(),
      );
      const bindings = { "0/0": x, "0/1": output(Uint32Array, expected.length) };
      return [{ workgroups: 1, bindings, expected: { "0/1": expected } }];
    },
  },
  "subgroup-square": {
    runs(random) {
      const x = random.naturals(32, 1000);
      const expected = Uint32Array.from(
        [...x].flatMap((_, i) => {
          const first = i - (i % subgroupSize);
          const place = (i % 4) + (Math.floor(i / 4) % 4) * 10 + Math.floor(i / 16) * 100;
          const all = 2 ** subgroupSize - 1;
          return [1, 1, 32, all, sum([...x.subarray(first, first + subgroupSize)]), place + 4000];
        }),
      );
      const bindings = { "0/0": x, "0/1": output(Uint32Array, expected.length) };
      return [{ workgroups: 1, bindings, expected: { "0/1": expected } }];
    },
  },
  specialization: {
    runs: (random) => [
      specializedRun(random),
      specializedRun(random, { 3: 2, 4: true }),
      specializedRun(random, { 5: -1.25, 6: 2147483 }),
      specializedRun(random, { 3: 1, 4: true, 5: 4, 6: -100 }),
    ],
  },
  "specialization-arithmetic": {
    runs: (random) => [
      arithmeticRun(random),
      arithmeticRun(random, { 0: 2 }),
      arithmeticRun(random, { 0: 9, 1: 11, 2: false }),
      arithmeticRun(random, { 1: -2147483, 2: true }),
    ],
  },
  "specialization-array": {
    runs: (random) => [arrayRun(random, 3), arrayRun(random, 5, { 2: 5 }), arrayRun(random, 1, { 1: 16, 2: 1 })],
  },
  "workgroup-size-id": {
    runs: () => [workgroupRun(1, 1), workgroupRun(8, 2, { 0: 8, 1: 2 }), workgroupRun(3, 5, { 0: 3, 1: 5 })],
  },
  "workgroup-size-composite": {
    runs: () => [composedRun(4), composedRun(6, { 7: 6 })],
  },
  "workgroup-size": {
    runs: () => [
      {
        workgroups: 2,
        bindings: { "0/0": output(Uint32Array, 64) },
        expected: { "0/0": Uint32Array.from({ length: 64 }, (_, i) => 804 + (i % 32) * 1000) },
      },
    ],
  },
  ids: {
    runs: () => {
      const groups = [2, 2, 3] as const;
      const size = [4, 6, 6] as const;
      const expected = Uint32Array.from({ length: 4 * 6 * 6 }, (_, at) => {
        const [x, y, z] = [at % size[0], Math.floor(at / size[0]) % size[1], Math.floor(at / (size[0] * size[1]))];
        const index = (x % 2) + (y % 3) * 2 + (z % 2) * 6;
        return (x >> 1) + Math.floor(y / 3) * 10 + (z >> 1) * 100 + index * 1000 + index * 100000;
      });
      return [{ workgroups: groups, bindings: { "0/0": output(Uint32Array, 144) }, expected: { "0/0": expected } }];
    },
  },
  "entry-points": {
    runs: () => [
      {
        entryPoint: "first",
        workgroups: 2,
        bindings: { "0/0": output(Uint32Array, 8) },
        expected: { "0/0": Uint32Array.from({ length: 8 }, (_, i) => i + 1) },
      },
      {
        entryPoint: "second",
        workgroups: 2,
        bindings: { "0/0": output(Uint32Array, 16) },
        expected: { "0/0": Uint32Array.from({ length: 16 }, (_, i) => 2 * i) },
      },
    ],
  },
} satisfies Record<string, CorpusKernel>;
