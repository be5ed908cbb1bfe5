/** One thread alone: integers, floats, vectors, control flow and functions. */
import { type Constants, inout, output } from "@kiln-gpu/core";
import type { CorpusKernel, CorpusRun } from "./corpus-kernel.js";
import type { RandomData } from "./random-data.js";

/** One output word for each input word. */
function eachWord<T extends Uint32Array | Int32Array>(x: T, of: (value: number, i: number) => number): CorpusRun {
  const type = (x instanceof Uint32Array ? Uint32Array : Int32Array) as typeof Uint32Array;
  return {
    workgroups: x.length / 8,
    bindings: { "0/0": x, "0/1": output(type, x.length) },
    expected: { "0/1": type.from(x, of) },
  };
}

/** `perInput` floats for each element of the input. */
function eachFloat(
  x: Float32Array,
  { size, tolerance = 0 }: { readonly size: number; readonly tolerance?: number },
  of: (values: readonly number[], i: number) => readonly number[],
): CorpusRun {
  const inputs = Array.from({ length: x.length / size }, (_, i) => [...x.subarray(size * i, size * i + size)]);
  const expected = Float32Array.from(inputs.flatMap(of));
  return {
    workgroups: inputs.length / 8,
    bindings: { "0/0": x, "0/1": output(Float32Array, expected.length) },
    expected: { "0/1": expected },
    tolerance,
  };
}

function pick(given: number): number {
  switch (given & 7) {
    case 0:
      return 10;
    case 1:
    case 2:
      return given + 5;
    case 5:
      return given * 9;
    default:
      return -given;
  }
}

function collatz(start: number): number {
  let steps = 0;
  for (let n = start; n !== 1; n = n % 2 === 0 ? n / 2 : 3 * n + 1) steps += 1;
  return steps;
}

function loops(given: number): number {
  const n = (given % 100) + 1;
  let sum = 0;
  for (let a = 0; a < n && sum <= 100000; a += 1) {
    if (a % 5 === 3) continue;
    for (let b = a; b <= a + 6; b += 2) sum += b % 7 === 0 ? 1000 : b;
  }
  let k = 0;
  do {
    sum ^= k;
    k += 3;
  } while (k < n);
  return sum + collatz(n);
}

function fibonacci(given: number): number {
  let [a, b] = [0, 1];
  for (let k = 0; k < given % 100; k += 1) [a, b] = [b, (a + b) >>> 0];
  return a & 1 ? a * 2 : b;
}

const reversed = (value: number) => [...value.toString(2).padStart(32, "0")].reverse().join("");
const highestBit = (value: number) => 31 - Math.clz32(value);

function bits(v: number): readonly number[] {
  const s = v | 0;
  return [
    v.toString(2).replaceAll("0", "").length,
    Number.parseInt(reversed(v), 2),
    (v >>> 5) & 0x1ff,
    (s << 22) >> 25,
    (v & ~(0x3f << 11)) | (0x2a << 11),
    highestBit(v & -v),
    highestBit(v),
    highestBit(s < 0 ? ~s : s),
    (v << (v & 31)) ^ (v >>> 3) ^ (s >> 5),
    (~v & 0xff00ff00) | (v & 0x00ff00ff),
    Math.floor(v / 7) + (v % 13),
    Math.trunc(s / 7) + Math.max(s, -s) - Math.min(Math.max(s, -1000), 1000),
  ];
}

function floats(v: number): readonly number[] {
  const p = Math.abs(v) + 0.5;
  const smooth = Math.min(Math.max((v + 2) / 4, 0), 1);
  const whole = Math.floor(v);
  const even = v - whole === 0.5 ? whole + (Math.abs(whole) % 2) : Math.round(v);
  return [
    ...[whole, Math.ceil(v), v - whole, Math.trunc(v)],
    ...[Math.sqrt(p), 1 / Math.sqrt(p), v * 0.75 + 0.75, Math.min(Math.max(v, -1), 1)],
    ...[Math.sin(v), Math.cos(v), Math.atan2(v, p), Math.exp(v * 0.1)],
    ...[Math.log(p), 2 ** (v * 0.1), Math.log2(p), p ** 1.5],
    ...[Math.sign(v), v < 0 ? 0 : 1, smooth * smooth * (3 - 2 * smooth), v * 2 + p],
    ...[v - 1.5 * Math.floor(v / 1.5), even, v * 8, Math.tanh(v * 0.1)],
  ];
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((total, value, i) => total + value * b[i]!, 0);

function vectors(v: readonly number[], i: number): readonly number[] {
  const [x, y, z, w] = v as [number, number, number, number];
  const cross = [y * y - z * x, z * w - x * y, x * x - y * w];
  const columns = [
    [x, y, z],
    [y, z, w],
    [1, 0, 2],
  ];
  const rows = [v, [w, z, y, x], [0, 1, 0, 0], [1, 1, 1, 1]];
  const determinant = x * z * 2 + y * w + z * 0 - (1 * z * z + 0 * w * x + 2 * y * y);
  const moved = [0, 0, 0, 0];
  moved[i & 3] = v[3 - (i & 3)]!;
  const added = v.some((value) => value < 0) ? 1 : 2;
  const others = [x * w, y * w, Math.hypot(x, y), Math.hypot(x - z, y - w)];
  return [
    ...[...cross, dot(v, v)],
    ...rows.map((row) => dot(row, v)),
    ...[0, 1, 2].map((row) => dot([columns[0]![row]!, columns[1]![row]!, columns[2]![row]!], v.slice(0, 3))),
    determinant,
    ...moved.map((value, k) => value + added + others[k]!),
  ];
}

function inverse(v: readonly number[]): readonly number[] {
  const [a, b, c, d] = [v[0]! + 20, v[1]!, v[2]!, v[3]! + 20];
  const determinant = a * d - b * c;
  return [d / determinant, -b / determinant, -c / determinant, a / determinant];
}

/** The bits of a half float; for whole numbers under 2048, which have no rounding. */
function halfBits(value: number): number {
  if (value === 0) return Object.is(value, -0) ? 0x8000 : 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | ((Math.abs(value) / 2 ** exponent - 1) * 1024);
}

function packed(v: number): readonly number[] {
  const float = 1 + (v & 0x7fffff) / 2 ** 23 - 1;
  const halves = halfBits(v & 1023) | (halfBits(-((v >> 10) & 1023)) << 16);
  return [v, v, halves, new Uint32Array(Float32Array.of(float).buffer)[0]!];
}

function calls(seed: number): number {
  const table = [1.5, -2, 3.25, 4, -0.5];
  const last = [0, 0, 0];
  let [state, count, sum] = [seed, 0, 0];
  for (let k = 0; k < 10; k += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    count += 1;
    const drawn = state >>> 8;
    last[count % 3] = table[drawn % 5]!;
    if (drawn % 2 === 0) sum += table[drawn % 5]!;
    else if (sum > 20) break;
  }
  return sum + last[0]! * 2 + last[1]! * 4 + last[2]! * 8 + count;
}

function xorshift(given: number): number {
  let seed = given | 1;
  const history = [0, 0, 0, 0];
  for (let k = 0; k < 9; k += 1) {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    history[k & 3] = seed;
  }
  return history.reduce((a, b) => a ^ b);
}

function remainders(given: number): number {
  return (given % 7) * 1000 + modulo(given, -5) * 10 + (given % -2.5) * 4 * -5 + modulo(given, -2.5) * 4;
}

function composites(given: number): number {
  const list = [9, 2, 5, 1];
  const picked = list[given & 3]!;
  const third = (given & 3) === 2 ? picked : 0;
  return third * 9 + 9 - given + 25;
}

/** Numbers that overflow in each way, then random ones: as many as `length`. */
function extremes(random: RandomData, length: number): Uint32Array {
  const chosen = [0, 1, 0xffff_ffff, 0x8000_0000, 0x7fff_ffff, 0xffff, 0x1_0000];
  const pairs = chosen.flatMap((a) => chosen.flatMap((b) => [a, b]));
  return Uint32Array.from([...pairs, ...random.naturals(length)].slice(0, length));
}

const highOf = (product: bigint) => Number(BigInt.asUintN(32, product >> 32n));

function extendedArithmetic(a: number, b: number): readonly number[] {
  const [A, B, signedA, signedB] = [BigInt(a), BigInt(b), BigInt(a | 0), BigInt(b | 0)];
  const high = highOf(A * B);
  const low = Math.imul(a, b) >>> 0;
  const carries = [a + b > 0xffff_ffff, b + 0xffff_ffff > 0xffff_ffff].map(Number);
  const borrows = [a < b, b < 0xffff_ffff].map(Number);
  return [
    ...[(a + b) >>> 0, carries[0]!, (a - b) >>> 0, borrows[0]!, high, low, highOf(signedA * signedB), low],
    ...[(high ^ low) >>> 0, highOf(B * 0xaaaa_aaabn) >>> 1, highOf(signedA * signedB), highOf(signedB * -7n)],
    ...[(b - 1) >>> 0, carries[0]! + 2 * carries[1]!, (b + 1) >>> 0, borrows[0]! + 2 * borrows[1]!],
  ];
}

const modulo = (a: number, b: number) => a - b * Math.floor(a / b);

function moduli(a: number, b: number): readonly number[] {
  const four = [a, b, (a - 1) | 0, (b + 1) | 0].map((value) => modulo(value, 7));
  const [x, y] = [a >>> 0, b >>> 0];
  return [modulo(a, b), modulo(b, -3), ...four, modulo(a, b), modulo(b, a), (x % 3) + (x % 5), y % 0x8000_0001];
}

const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!;
const largestFloat = 3.4028234663852886e38;

function nonFinite(x: Float32Array, i: number, seed: number, big: number): readonly number[] {
  const v = x[i]!;
  const near = [...x.subarray(i, i + 3)].filter((value) => !Number.isNaN(value));
  const [isNan, isInfinite] = [Number.isNaN(v), Math.abs(v) === Infinity];
  const table = [Infinity, -Infinity, largestFloat, -largestFloat];
  const flags = (...list: boolean[]) => list.reduce((bits, flag, k) => bits + (flag ? 2 ** k : 0), 0);
  return [
    bitsOf(Math.max(-Infinity, ...near)),
    bitsOf(Math.min(Infinity, ...near)),
    flags(isNan, isInfinite),
    flags(isNan, isNan, false, Number.isNaN(v * 0), isInfinite, isInfinite, false),
    bitsOf(table[i & 3]!),
    bitsOf(isNan ? -largestFloat : Math.max(v, -largestFloat)),
    flags(!(v < 1)),
    flags(!(v >= 1), !(v > 1), !(v <= 1)),
    flags(v === 1, v !== 1, isNan),
    (Math.imul(seed, 2654435761) + 0x8000_0000) >>> 0,
    flags(big * 10 > 3.4e38),
    bitsOf(-Infinity),
    bitsOf(v > 0 ? Infinity : -Infinity),
    (0x8000_0000 + 0x8000_0000) >>> 0,
    bitsOf(v === Infinity ? 2 ** -149 : 1.17549435e-38),
    1,
  ];
}

function nonFiniteRun(constants?: Constants): CorpusRun {
  const { 0: seed = 0x9e37_79b9, 1: big = 3e38 } = constants ?? {};
  const x = Float32Array.of(1, Infinity, 0.5, -Infinity, 2, Number.NaN, 1.5, largestFloat, -3, 0, 0);
  const expected = Uint32Array.from(
    [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => nonFinite(x, i, Number(seed), Number(big))),
  );
  return {
    workgroups: 1,
    bindings: { "0/0": x, "0/1": output(Uint32Array, expected.length) },
    expected: { "0/1": expected },
    ...(constants && { constants }),
  };
}

function frexp(value: number): readonly [mantissa: number, exponent: number] {
  if (value === 0) return [value, 0];
  let exponent = Math.floor(Math.log2(Math.abs(value))) + 1;
  if (Math.abs(value) / 2 ** exponent >= 1) exponent += 1;
  return [value / 2 ** exponent, exponent];
}

function floatParts(v: number): readonly number[] {
  const turned = Math.fround(-v * 1.5);
  const tiny = Math.fround(v * Math.fround(1e-30));
  const [mantissa, exponent] = frexp(v);
  const [eighth, exponentOfEighth] = frexp(v / 8);
  const [, exponentOfTiny] = frexp(tiny);
  return [
    ...[v % 1, Math.trunc(v), turned % 1, Math.trunc(v) * 4 + Math.trunc(turned)],
    ...[mantissa, exponent, eighth, -mantissa, tiny * 2 ** 100],
    ...[exponentOfEighth + 1000 * exponent, 1 / (v % 1), exponentOfTiny],
  ];
}

function logic(v: readonly number[]): number {
  const [above, below] = [
    [0, 10, 20, 30],
    [-50, 0, 50, 100],
  ];
  return v.reduce((bits, value, i) => {
    const [a, b] = [value > above[i]!, value < below[i]!];
    const lane =
      Number(a && b) + 2 * Number(a || b) + 4 * Number(!(a || b)) + 8 * Number(a === b) + 16 * Number(a !== b);
    return bits + lane * 2 ** (8 * i);
  }, 0);
}

export const arithmeticKernels = {
  bits: {
    runs(random) {
      const x = random.naturals(64);
      const expected = Uint32Array.from([...x].flatMap(bits));
      const bindings = { "0/0": x, "0/1": output(Uint32Array, expected.length) };
      return [{ workgroups: 8, bindings, expected: { "0/1": expected } }];
    },
  },
  floats: {
    runs: (random) => [
      eachFloat(
        random.floats(64).map((value) => value / 8),
        { size: 1, tolerance: 1e-3 },
        ([v]) => floats(v!),
      ),
    ],
  },
  "bool-vectors": {
    runs(random) {
      const x = random.floats(64);
      const expected = Uint32Array.from({ length: 16 }, (_, i) => logic([...x.subarray(4 * i, 4 * i + 4)]));
      return [{ workgroups: 2, bindings: { "0/0": x, "0/1": output(Uint32Array, 16) }, expected: { "0/1": expected } }];
    },
  },
  "non-finite": { runs: () => [nonFiniteRun(), nonFiniteRun({ 0: 3, 1: 1e37 })] },
  comparisons: {
    runs() {
      const x = Float32Array.of(1, 2, 2, Number.NaN, 3, Number.NaN, Number.NaN, 0, -1);
      const compare = (a: number, b: number) => {
        const isUnordered = Number.isNaN(a) || Number.isNaN(b);
        const ordered = [a === b, a < b || a > b, a < b, a > b, a <= b, a >= b];
        return ordered.flatMap((holds) => [holds, holds || isUnordered]);
      };
      const expected = Uint32Array.from({ length: 8 }, (_, i) =>
        [...compare(x[i]!, x[i + 1]!), ...compare(x[i + 1]!, x[i + 1]!)].reduce(
          (bits, holds, k) => bits + (holds ? 2 ** k : 0),
          0,
        ),
      );
      return [{ workgroups: 1, bindings: { "0/0": x, "0/1": output(Uint32Array, 8) }, expected: { "0/1": expected } }];
    },
  },
  "float-parts": {
    runs(random) {
      // 1 / -0 is not 1 / 0: the rest has the sign of the whole. A remainder of JavaScript has that, too.
      const x = Float32Array.of(...random.floats(26), 1, -1, 0, 2 ** 24, -0.5, 0.375);
      return [eachFloat(x, { size: 1, tolerance: 1e-6 }, ([v]) => floatParts(v!))];
    },
  },
  carries: {
    runs(random) {
      const x = extremes(random, 65);
      const expected = Uint32Array.from({ length: 64 }, (_, i) => {
        const [sum, carry, , , high, low] = extendedArithmetic(x[i]!, x[i + 1]!) as number[];
        return sum! ^ carry! ^ high! ^ low!;
      });
      return [{ workgroups: 8, bindings: { "0/0": x, "0/1": output(Uint32Array, 64) }, expected: { "0/1": expected } }];
    },
  },
  "extended-arithmetic": {
    runs(random) {
      const x = extremes(random, 256);
      const expected = Uint32Array.from(
        Array.from({ length: 128 }, (_, i) => extendedArithmetic(x[2 * i]!, x[2 * i + 1]!)).flat(),
      );
      const bindings = { "0/0": x, "0/1": output(Uint32Array, expected.length) };
      return [{ workgroups: 16, bindings, expected: { "0/1": expected } }];
    },
  },
  modulo: {
    runs(random) {
      // Products of these and floats of 24 bits differ. No remainder by 0, and none of the least number by -1.
      const x = random.integers(64, 2 ** 31);
      x.set([2147483647, 2, -2147483648, 3, 2147483647, -2147483647, 16777217, 5, -16777217, 16777216]);
      const expected = Int32Array.from(Array.from({ length: 32 }, (_, i) => moduli(x[2 * i]!, x[2 * i + 1]!)).flat());
      const bindings = { "0/0": x, "0/1": output(Int32Array, expected.length) };
      return [{ workgroups: 4, bindings, expected: { "0/1": expected } }];
    },
  },
  vectors: { runs: (random) => [eachFloat(random.floats(64), { size: 4, tolerance: 1e-5 }, vectors)] },
  "matrix-inverse": {
    runs: (random) => [
      eachFloat(
        random.floats(64).map((value) => value / 16),
        { size: 4, tolerance: 1e-5 },
        inverse,
      ),
    ],
  },
  packing: {
    runs(random) {
      const x = random.naturals(32);
      const expected = Uint32Array.from([...x].flatMap(packed));
      const bindings = { "0/0": x, "0/1": output(Uint32Array, expected.length) };
      return [{ workgroups: 4, bindings, expected: { "0/1": expected } }];
    },
  },
  switch: { runs: (random) => [eachWord(random.integers(64, 1000), pick)] },
  loops: { runs: (random) => [eachWord(random.naturals(32), loops)] },
  phi: { runs: (random) => [eachWord(random.naturals(64), fibonacci)] },
  functions: {
    runs(random) {
      const x = random.naturals(64);
      const bindings = { "0/0": x, "0/1": output(Float32Array, 64) };
      return [{ workgroups: 8, bindings, expected: { "0/1": Float32Array.from(x, calls) } }];
    },
  },
  "private-variables": { runs: (random) => [eachWord(random.naturals(64), xorshift)] },
  remainders: { runs: (random) => [eachWord(random.integers(64, 1000), remainders)] },
  composites: { runs: (random) => [eachWord(random.integers(64, 1000), composites)] },
  "atomic-exchange": {
    runs(random) {
      const slots = random.naturals(64);
      const bindings = { "0/0": inout(slots), "0/1": output(Uint32Array, 64) };
      return [{ workgroups: 2, bindings, expected: { "0/0": slots.map((_, i) => i * 3), "0/1": slots } }];
    },
  },
} satisfies Record<string, CorpusKernel>;
