import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UniformValue } from "../bindings/bindings.js";
import type { TypeLayout } from "../shader/shader-interface.js";
import { packUniform } from "./pack-uniform.js";
import { array, bool, f16, f32, i32, matrix, struct, u32, vector } from "./shader-interface.test-support.js";

/** The bytes as hexadecimal, a space between each group of four. */
function packed(value: UniformValue, layout: TypeLayout): string {
  const hex = [...packUniform(value, layout, "params")].map((byte) => byte.toString(16).padStart(2, "0"));
  return (hex.join("").match(/.{8}/g) ?? []).join(" ");
}

test.each<[string, UniformValue, TypeLayout, string]>([
  ["f32", 1.5, f32, "0000c03f"],
  ["f32, rounded to the nearest", 0.1, f32, "cdcccc3d"],
  ["f32 that is not a number", Number.NaN, f32, "0000c07f"],
  ["f32 without end", Number.NEGATIVE_INFINITY, f32, "000080ff"],
  ["i32, its least", -(2 ** 31), i32, "00000080"],
  ["i32, its greatest", 2 ** 31 - 1, i32, "ffffff7f"],
  ["u32, its greatest", 2 ** 32 - 1, u32, "ffffffff"],
  ["bool, true", true, bool, "01000000"],
  ["bool, false", false, bool, "00000000"],
  ["f16, filled up to four bytes", 1, f16, "003c0000"],
  ["vec2<u32>", [1, 2], vector(u32, 2), "01000000 02000000"],
  ["vec3<f32>, twelve bytes", [1, 2, 3], vector(f32, 3), "0000803f 00000040 00004040"],
  ["vec3<f16>, filled up to eight bytes", [1, 2, -2], vector(f16, 3), "003c0040 00c00000"],
])("packs %s", (_, value, layout, bytes) => {
  expect(packed(value, layout)).toBe(bytes);
});

describe("a matrix", () => {
  const mat3x3 = matrix(f32, 3, 3);
  const columns =
    "0000803f 00000040 00004040 00000000 00008040 0000a040 0000c040 00000000 0000e040 00000041 00001041 00000000";

  test("lies column by column, each of three padded to four", () => {
    expect(packed([1, 2, 3, 4, 5, 6, 7, 8, 9], mat3x3)).toBe(columns);
  });

  test("may be given as its columns", () => {
    expect(
      packed(
        [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ],
        mat3x3,
      ),
    ).toBe(columns);
  });

  test("of two rows has no padding", () => {
    expect(packed([1, 2, 3, 4, 5, 6], matrix(f32, 3, 2))).toBe("0000803f 00000040 00004040 00008040 0000a040 0000c040");
  });

  test("of f16 has columns of four bytes", () => {
    expect(packed([1, 2, -2, 0.5], matrix(f16, 2, 2))).toBe("003c0040 00c00038");
  });

  test.each<[string, UniformValue, string]>([
    [
      "rows where columns belong",
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      '"m" is mat3x2<f32>, 3 values; got 2.',
    ],
    ["columns of different lengths", [[1, 2], [3, 4, 5], [6]], '"m[1]" is vec2<f32>, 2 values; got 3.'],
    ["columns beside numbers", [[1, 2], 3, 4, 5, 6], '"m" is mat3x2<f32>, 3 values; got 5.'],
    ["a column beside a number", [[1, 2], [3, 4], 5], '"m[2]" is vec2<f32> in the shader; got 5.'],
  ])("is not given as %s", (_, value, message) => {
    expect(() => packUniform(value, matrix(f32, 3, 2), "m")).toThrow(
      expect.objectContaining({ code: "invalid-binding", message: `: ${message}` }),
    );
  });
});

describe("an array", () => {
  test("has its stride", () => {
    const ofVec3 = array(vector(f32, 3), 16, 2);
    expect(
      packed(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        ofVec3,
      ),
    ).toBe("0000803f 00000040 00004040 00000000 00008040 0000a040 0000c040 00000000");
  });

  test("of arrays nests", () => {
    const nested = array(array(u32, 4, 2), 8, 2);
    expect(
      packed(
        [
          [1, 2],
          [3, 4],
        ],
        nested,
      ),
    ).toBe("01000000 02000000 03000000 04000000");
  });
});

describe("a struct", () => {
  const inner = struct("Inner", 32, [
    { name: "offset", offset: 0, layout: vector(f32, 3) },
    { name: "count", offset: 12, layout: u32 },
    { name: "flag", offset: 16, layout: bool },
  ]);
  const outer = struct("Outer", 80, [
    { name: "scale", offset: 0, layout: f32 },
    { name: "inner", offset: 16, layout: array(inner, 32, 2) },
  ]);

  test("places its members, and zeros between them", () => {
    const value = {
      inner: [
        { count: 7, offset: [1, 2, 3], flag: true },
        { flag: false, count: 0xffff_ffff, offset: [-1, 0, -0] },
      ],
      scale: 0.5,
    };
    expect(packed(value, outer)).toBe(
      "0000003f 00000000 00000000 00000000 " +
        "0000803f 00000040 00004040 07000000 01000000 00000000 00000000 00000000 " +
        "000080bf 00000000 00000080 ffffffff 00000000 00000000 00000000 00000000",
    );
  });

  test("of one member takes that member's value too", () => {
    const sole = struct("Params", 16, [{ name: "alpha", offset: 4, layout: f32 }]);
    expect(packed(1, sole)).toBe("00000000 0000803f 00000000 00000000");
    expect(packed({ alpha: 1 }, sole)).toBe("00000000 0000803f 00000000 00000000");
  });
});

const pair = struct("Pair", 8, [
  { name: "a", offset: 0, layout: f32 },
  { name: "b", offset: 4, layout: vector(u32, 1) },
]);

test.each<[string, unknown, TypeLayout, string]>([
  ["a fraction for i32", 1.5, i32, '"p" is i32 in the shader; got 1.5.'],
  ["too much for i32", 2 ** 31, i32, '"p" is i32 in the shader; got 2147483648.'],
  ["too little for i32", -(2 ** 31) - 1, i32, '"p" is i32 in the shader; got -2147483649.'],
  ["less than nothing for u32", -1, u32, '"p" is u32 in the shader; got -1.'],
  ["too much for u32", 2 ** 32, u32, '"p" is u32 in the shader; got 4294967296.'],
  ["NaN for u32", Number.NaN, u32, '"p" is u32 in the shader; got NaN.'],
  ["a number for bool", 1, bool, '"p" is bool in the shader; got 1.'],
  ["a boolean for f32", true, f32, '"p" is f32 in the shader; got true.'],
  ["text for f32", "1", f32, '"p" is f32 in the shader; got "1".'],
  ["null for f32", null, f32, '"p" is f32 in the shader; got null.'],
  ["an array for f32", [1], f32, '"p" is f32 in the shader; got an array of 1.'],
  ["an object for f16", { x: 1 }, f16, '"p" is f16 in the shader; got an object.'],
  ["a number for a vector", 1, vector(f32, 3), '"p" is vec3<f32> in the shader; got 1.'],
  ["a vector that is too short", [1, 2], vector(f32, 3), '"p" is vec3<f32>, 3 values; got 2.'],
  ["a wrong component", [1, "2"], vector(f32, 2), '"p[1]" is f32 in the shader; got "2".'],
  ["a matrix that is too long", [1, 2, 3, 4, 5], matrix(f32, 2, 2), '"p" is mat2x2<f32>, 4 values; got 5.'],
  ["an array that is too short", [1], array(u32, 4, 2), '"p" is array<u32, 2>, 2 values; got 1.'],
  [
    "a wrong element in an array of arrays",
    [[1], [-1]],
    array(array(u32, 4, 1), 4, 2),
    '"p[1][0]" is u32 in the shader; got -1.',
  ],
  ["a number for a struct", 1, pair, '"p" is Pair in the shader; got 1.'],
  ["an array for a struct", [1, 2], pair, '"p" is Pair in the shader; got an array of 2.'],
  ["nothing for a struct", null, pair, '"p" is Pair in the shader; got null.'],
  ["a member that is missing", { a: 1 }, pair, '"p" lacks the member "b", which is vec1<u32> in Pair.'],
  ["a member that is misspelt", { a: 1, B: [1] }, pair, '"p" has no member "B"; Pair has "a", "b".'],
  ["a wrong member", { a: 1, b: [0.5] }, pair, '"p.b[0]" is u32 in the shader; got 0.5.'],
])("refuses %s", (_, value, layout, message) => {
  expect(() => packUniform(value as UniformValue, layout, "p")).toThrow(
    expect.objectContaining({ code: "invalid-binding", message: `: ${message}` }),
  );
});

test("refuses a type that no memory holds", () => {
  expect(() => packUniform([1], array(u32, 4, 2 ** 50), "p")).toThrow(
    expect.objectContaining({
      code: "limit-exceeded",
      message: ': "p" is array<u32, 1125899906842624>, 4503599627370496 bytes, more than there is memory for.',
    }),
  );
});

test("refuses a typed array within an object, because its elements may be of another type", () => {
  const value = { a: 1, b: new Uint32Array(1) } as unknown as UniformValue;
  expect(() => packUniform(value, pair, "p")).toThrow('"p.b" is vec1<u32> in the shader; got a Uint32Array.');
});

describe("f16", () => {
  const bitsOf = (value: number) => {
    const bytes = packUniform(value, f16, "h");
    return bytes[0]! | (bytes[1]! << 8);
  };

  test("packs every half as itself", () => {
    for (let bits = 0; bits < 2 ** 16; bits += 1) {
      const value = halfOf(bits);
      if (Number.isNaN(value)) expect(Number.isNaN(halfOf(bitsOf(value)))).toBe(true);
      else if (bitsOf(value) !== bits) expect({ bits, packed: bitsOf(value) }).toEqual({ bits, packed: bits });
    }
  });

  test.each([
    ["the least subnormal", 2 ** -24, 0x0001],
    ["half the least subnormal, a tie to zero", 2 ** -25, 0x0000],
    ["just above that tie", 2 ** -25 + 2 ** -60, 0x0001],
    ["a tie between the first two, to the even", 1.5 * 2 ** -24, 0x0002],
    ["the greatest subnormal", 1023 * 2 ** -24, 0x03ff],
    ["a tie that rounds into the normals", 1023.5 * 2 ** -24, 0x0400],
    ["a tie to the even below", 1 + 2 ** -11, 0x3c00],
    ["a tie to the even above", 1 + 3 * 2 ** -11, 0x3c02],
    ["above a tie by less than f32 can hold", 1 + 2 ** -11 + 2 ** -40, 0x3c01],
    ["below a tie by less than f32 can hold", 1 + 3 * 2 ** -11 - 2 ** -40, 0x3c01],
    ["the greatest", 65504, 0x7bff],
    ["the last that rounds to the greatest", 65519.99999, 0x7bff],
    ["the first that overflows", 65520, 0x7c00],
    ["far too much", -1e300, 0xfc00],
    ["far too little", -1e-300, 0x8000],
    ["minus zero", -0, 0x8000],
    ["infinity", Number.POSITIVE_INFINITY, 0x7c00],
  ])("rounds %s", (_, value, bits) => {
    expect(bitsOf(value).toString(16)).toBe(bits.toString(16));
  });

  test("rounds any number to the nearest half, ties to the even one", () => {
    const anyDouble = fc.double({ noNaN: true });
    const inRange = fc.double({ min: -70000, max: 70000, noNaN: true });
    const small = fc.double({ min: -(2 ** -13), max: 2 ** -13, noNaN: true });
    const betweenHalves = fc
      .tuple(fc.nat(0x7bff), fc.constantFrom(0, 2 ** -30, -(2 ** -30)))
      .map(([bits, nudge]) => ((halfOf(bits) + halfOf(bits + 1)) / 2) * (1 + nudge));
    fc.assert(
      fc.property(fc.oneof(anyDouble, inRange, small, betweenHalves), (value) => {
        expect(bitsOf(value)).toBe(nearestHalf(value));
      }),
      { numRuns: 5000 },
    );
  });
});

/** The value of a half, read off its definition. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** Found by search among all halves, while the code computes: halves of one sign are in the order of their bits. */
function nearestHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  let low = 0;
  let high = 0x7c00;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (halfOf(middle) <= magnitude) low = middle;
    else high = middle - 1;
  }
  if (low === 0x7c00) return sign | low;
  // Beyond the greatest, the next half would be 2^16: what is nearer to it overflows.
  const above = low === 0x7bff ? 65536 : halfOf(low + 1);
  const middle = (halfOf(low) + above) / 2;
  const roundsUp = magnitude > middle || (magnitude === middle && low % 2 === 1);
  return sign | (roundsUp ? low + 1 : low);
}
