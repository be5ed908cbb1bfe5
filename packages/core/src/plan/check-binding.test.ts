import { describe, expect, test } from "vitest";
import { type Bindings, inout, output } from "../bindings/bindings.js";
import type { BindingInfo, TypeLayout } from "../shader/shader-interface.js";
import { checkArray, checkEmptiness, checkLength } from "./check-binding.js";
import { array, bool, defaultLimits, f16, f32, i32, struct, u32, vector } from "./shader-interface.test-support.js";

function infoOf(layout: TypeLayout, other: Partial<BindingInfo> = {}): BindingInfo {
  return { name: "x", group: 0, binding: 0, kind: "storage", access: "read", layout, ...other };
}

const refusal = (code: string, message: string) => expect.objectContaining({ code, message });

const counted = struct("Counted", 8, [
  { name: "count", offset: 0, layout: u32 },
  { name: "values", offset: 8, layout: array(vector(f32, 2), 8) },
]);
const points = struct("Points", 16, [
  { name: "scale", offset: 0, layout: f32 },
  { name: "points", offset: 16, layout: array(vector(f32, 3), 16) },
]);

describe("checkArray", () => {
  test.each<[string, TypeLayout, number]>([
    ["Float32Array", array(f32, 4), 12],
    ["Int32Array", array(i32, 4), 12],
    ["Uint32Array", array(u32, 4), 12],
    ["Uint32Array", array(bool, 4), 12],
    ["Float16Array", array(f16, 2), 12],
    ["Uint16Array", array(f16, 2), 4],
    ["Float32Array", array(vector(f32, 3), 16), 32],
    ["Float32Array", array(f32, 4, 3), 12],
    ["Float32Array", f32, 4],
    ["Float32Array", points, 32],
    ["Uint8Array", array(f32, 4), 12],
    ["Uint8ClampedArray", counted, 16],
    ["Float32Array", counted, 16],
    ["Int32Array", counted, 24],
    ["Uint32Array", counted, 24],
    ["Uint16Array", counted, 16],
    ["Float16Array", counted, 16],
  ])("takes a %s for %j of %i bytes", (arrayName, layout, byteLength) => {
    checkArray("x", arrayName, byteLength, infoOf(layout), true);
  });

  test.each<[string, TypeLayout, string, string]>([
    ["Float64Array", array(f32, 4), "array<f32>", "Float32Array"],
    ["Int32Array", array(u32, 4), "array<u32>", "Uint32Array"],
    ["Uint32Array", array(i32, 4), "array<i32>", "Int32Array"],
    ["Float32Array", array(f16, 2), "array<f16>", "Float16Array or Uint16Array"],
    ["Float32Array", array(bool, 4), "array<bool>", "Uint32Array"],
    ["Uint32Array", array(vector(f32, 4), 16, 2), "array<vec4<f32>, 2>", "Float32Array"],
    ["Uint32Array", points, "Points", "Float32Array"],
    ["DataView", array(u32, 4), "array<u32>", "Uint32Array"],
    ["BigInt64Array", counted, "Counted", "Float32Array or Int32Array or Uint32Array or Uint16Array or Float16Array"],
  ])("refuses a %s for another type", (arrayName, layout, type, names) => {
    const expected = names.startsWith("Int") ? `an ${names}` : `a ${names}`;
    const given = /^(Int|Array)/.test(arrayName) ? `an ${arrayName}` : `a ${arrayName}`;
    expect(() => checkArray("x", arrayName, 32, infoOf(layout), true)).toThrow(
      refusal("invalid-binding", `declares "x" as ${type}, which takes ${expected}; got ${given}.`),
    );
  });

  test.each(["Uint8Array", "Uint8ClampedArray"])(
    "refuses a %s for another type, unless it is said to be its bytes",
    (name) => {
      expect(() => checkArray("x", name, 8, infoOf(array(f32, 4)), false)).toThrow(
        refusal(
          "invalid-binding",
          `declares "x" as array<f32>, which takes a Float32Array; got a ${name}. ` +
            "If these are the bytes of its elements, say so: bytes(x).",
        ),
      );
    },
  );

  test.each([8, 16, 0])("refuses %i bytes for a type of another length", (byteLength) => {
    expect(() => checkArray("x", "Float32Array", byteLength, infoOf(array(f32, 4, 3)), true)).toThrow(
      refusal("invalid-binding", `declares "x" as array<f32, 3>, 12 bytes; got ${byteLength} bytes.`),
    );
  });

  test.each<[number, TypeLayout, string]>([
    [0, array(f32, 4), "array<f32>, whole elements of 4 bytes; got 0 bytes."],
    [6, array(f32, 4), "array<f32>, whole elements of 4 bytes; got 6 bytes."],
    [12, array(vector(f32, 2), 8), "array<vec2<f32>>, whole elements of 8 bytes; got 12 bytes."],
    [8, counted, "Counted, whole elements of 8 bytes after the 8 bytes before its array; got 8 bytes."],
    [4, counted, "Counted, whole elements of 8 bytes after the 8 bytes before its array; got 4 bytes."],
    [20, counted, "Counted, whole elements of 8 bytes after the 8 bytes before its array; got 20 bytes."],
    [
      36,
      array(vector(f32, 3), 16),
      "array<vec3<f32>>, whole elements of 16 bytes; got 36 bytes. Elements of three components are padded to four.",
    ],
    [
      28,
      points,
      "Points, whole elements of 16 bytes after the 16 bytes before its array; got 28 bytes. " +
        "Elements of three components are padded to four.",
    ],
  ])("refuses %i bytes that are no whole elements", (byteLength, layout, rest) => {
    expect(() => checkArray("x", "Uint8Array", byteLength, infoOf(layout), true)).toThrow(
      refusal("invalid-binding", `declares "x" as ${rest}`),
    );
  });

  test("refuses an odd number of halves, whose padding the shader could see", () => {
    expect(() => checkArray("x", "Uint16Array", 6, infoOf(array(f16, 2)), true)).toThrow(
      refusal(
        "invalid-binding",
        'declares "x" as array<f16>; WebGPU binds multiples of 4 bytes, so the shader\'s arrayLength would ' +
          "count the padding after the 6 bytes given. Give an even number of elements.",
      ),
    );
  });
});

describe("checkLength", () => {
  const limits = {
    ...defaultLimits,
    maxStorageBufferBindingSize: 64,
    maxUniformBufferBindingSize: 32,
    maxBufferSize: 128,
  };

  test("takes what lies between the type's least and the device's most", () => {
    checkLength("y", 16, infoOf(counted), limits);
    checkLength("y", 64, infoOf(counted), limits);
    checkLength("y", 32, infoOf(array(f32, 4, 8), { kind: "uniform" }), limits);
  });

  test("refuses less than the type holds, under both its names", () => {
    expect(() => checkLength("y", 12, infoOf(counted), limits)).toThrow(
      refusal("invalid-binding", 'declares "x" as Counted, at least 16 bytes; "y" has 12.'),
    );
    expect(() => checkLength("y", 8, infoOf(array(f32, 4, 3)), limits)).toThrow(
      refusal("invalid-binding", 'declares "x" as array<f32, 3>, at least 12 bytes; "y" has 8.'),
    );
  });

  test.each<[BindingInfo["kind"], number, string]>([
    ["storage", 64, "maxStorageBufferBindingSize"],
    ["uniform", 32, "maxUniformBufferBindingSize"],
  ])("refuses more than the device binds as %s", (kind, limit, limitName) => {
    expect(() => checkLength("y", limit + 4, infoOf(array(f32, 4), { kind }), limits)).toThrow(
      refusal(
        "limit-exceeded",
        `binds "y" with ${limit + 4} bytes; this device binds at most ${limit} (${limitName}).`,
      ),
    );
  });

  test("refuses more than the device allocates, by that limit's name", () => {
    const small = { ...limits, maxBufferSize: 48 };
    checkLength("y", 48, infoOf(array(f32, 4)), small);
    expect(() => checkLength("y", 52, infoOf(array(f32, 4)), small)).toThrow(
      refusal("limit-exceeded", 'binds "y" with 52 bytes; this device binds at most 48 (maxBufferSize).'),
    );
  });
});

describe("checkEmptiness", () => {
  const empty = new Float32Array(0);
  const some = new Float32Array(1);
  const advice =
    "Ask for a result with `output(Type, length)`, `lease(Type, length)` or `inout(data)`, or bind a resident array.";

  test.each<["all-empty" | "some", string, Bindings]>([
    ["some", "a result", { c: output(Float32Array, 1) }],
    ["some", "results and inputs of every kind", { a: some, n: 0, v: [], p: { x: 1 }, b: true, y: inout(some) }],
    ["all-empty", "an empty output", { c: output(Float32Array, 0) }],
    ["all-empty", "an empty inout", { y: inout(empty) }],
    ["all-empty", "empty results beside inputs", { a: some, b: empty, c: output(Float32Array, 0), y: inout(empty) }],
  ])("finds %s in %s", (expected, _, bindings) => {
    expect(checkEmptiness(bindings)).toBe(expected);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["nothing", {}, `returns nothing: "c" is missing. ${advice}`],
    ["inputs alone", { a: some, n: 1, o: null, u: undefined }, `returns nothing: "c" is missing. ${advice}`],
    [
      "an empty result beside one that has elements",
      { c: output(Float32Array, 1), d: output(Float32Array, 0), e: inout(empty) },
      'is given "d" with no elements, but other results have some.',
    ],
    [
      "an empty input",
      { a: some, b: empty, c: output(Float32Array, 1) },
      'is given "b" with no elements; WebGPU binds at least 4 bytes.',
    ],
    [
      "a length below 0",
      { c: output(Float32Array, -1) },
      ': the length of output "c" must be a whole number, 0 or more; got -1.',
    ],
    [
      "half a length",
      { c: output(Float32Array, 0.5) },
      ': the length of output "c" must be a whole number, 0 or more; got 0.5.',
    ],
    [
      "a length as a text",
      { c: output(Float32Array, "3" as never) },
      ': the length of output "c" must be a whole number, 0 or more; got "3".',
    ],
    [
      "no length",
      { c: { ...output(Float32Array, 1), length: undefined } },
      ': the length of output "c" must be a whole number, 0 or more; got undefined.',
    ],
    [
      "an output of no type",
      { c: { ...output(Float32Array, 1), type: undefined } },
      ': the type of output "c" must be a typed array\'s constructor, such as Float32Array; got undefined.',
    ],
    [
      "an inout of an array",
      { y: inout([1, 2] as never) },
      ': inout "y" must be a typed array; got an array of 2. Give it as new Float32Array([...]).',
    ],
    ["an inout of nothing", { y: inout(undefined as never) }, ': inout "y" must be a typed array; got undefined.'],
    [
      "an inout of a DataView",
      { y: inout(new DataView(new ArrayBuffer(4)) as never) },
      ': inout "y" must be a typed array; got a DataView.',
    ],
  ])("refuses %s", (_, bindings, rest) => {
    expect(() => checkEmptiness(bindings as Bindings, () => ["c"])).toThrow(refusal("invalid-binding", rest));
  });

  test("refuses an output of a constructor that makes no typed array", () => {
    expect(() => checkEmptiness({ c: output(Array as never, 1) })).toThrow(
      expect.objectContaining({
        code: "invalid-binding",
        message: expect.stringMatching(/^: the type of output "c" must be a typed array's constructor.*; got .*Array/),
      }),
    );
  });
});
