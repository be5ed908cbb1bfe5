import { bytes, inout, lease, output, temporary } from "@kiln-gpu/core";
import { describeValue, roleOf } from "@kiln-gpu/core/backend";
import { expect, test } from "vitest";
import { ValueReader, ValueWriter } from "./values.js";

function travel(value: unknown): unknown {
  const writer = new ValueWriter();
  const json = JSON.parse(JSON.stringify(writer.write(value)));
  return new ValueReader(writer.arrays).read(json);
}

test.each([
  [3],
  [-0],
  [Number.NaN],
  [Number.NEGATIVE_INFINITY],
  [Number.MIN_VALUE],
  [true],
  [null],
  [undefined],
  [12n],
  ["text"],
  [[1, [2, [3, undefined]]]],
  [{ a: 1, b: { c: [true] }, 0: 2 }],
  [new Float32Array([1, -0, Number.NaN])],
  [new BigUint64Array([1n])],
  [new DataView(new ArrayBuffer(3))],
  [{ inner: new Uint16Array([1, 2]) }],
])("%o arrives as it was sent", (value) => {
  expect(travel(value)).toEqual(value);
});

test("arrays are views of the caller's memory, and arrive at any offset", () => {
  const memory = new Float32Array([1, 2, 3, 4]);
  const part = memory.subarray(1, 3);
  const writer = new ValueWriter();
  const json = writer.write(part);
  expect(writer.arrays[0]).toMatchObject({ byteOffset: 4, byteLength: 8 });
  expect(writer.arrays[0]!.buffer).toBe(memory.buffer);
  const odd = new Uint8Array(9);
  odd.set(writer.arrays[0]!, 1);
  expect(new ValueReader([odd.subarray(1)]).read(json)).toEqual(new Float32Array([2, 3]));
});

test("an object may have a member of any name", () => {
  const given = Object.defineProperty({ constructor: 1, is: "array" }, "__proto__", { enumerable: true, value: 2 });
  const arrived = travel(given) as object;
  expect(Object.entries(arrived)).toEqual([
    ["constructor", 1],
    ["is", "array"],
    ["__proto__", 2],
  ]);
});

test.each([
  [output(Float32Array, 3)],
  [output(Float32Array, -1.5)],
  [lease(Uint32Array, 3)],
  [temporary(Int32Array, 2)],
  [inout(new Float32Array([1]))],
  [inout(bytes(new Uint8Array([1])))],
  [bytes(new Uint8Array([1, 2]))],
])("what is bound has its role where it arrives", (value) => {
  const arrived = travel(value) as object;
  expect(roleOf(arrived)).toBe(roleOf(value));
  expect(arrived).toEqual(value);
});

class Points extends Float32Array {}

test.each([
  [Promise.resolve()],
  [new Map()],
  [new ArrayBuffer(4)],
  [new SharedArrayBuffer(4)],
  [Symbol("s")],
  [Points],
  [() => 1],
  [output(Points as never, 1)],
  [output(Array as never, 1)],
])("what no shader takes is described as before", (value) => {
  expect(describeValue(travel(value))).toBe(describeValue(value));
});

test("a value within itself ends", () => {
  const value: { self?: unknown } = {};
  value.self = value;
  expect(() => travel(value)).not.toThrow();
});

test.each<[unknown, RegExp]>([
  [{ is: "array", type: "Float32Array", at: 1 }, /has 1 arrays, and none at 1/],
  [{ is: "array", type: "Float32Array", at: "__proto__" }, /none at __proto__/],
  [{ is: "array", type: "Float32Array", at: 0 }, /has 6 bytes for a Float32Array/],
  [{ is: "array", type: "Function", at: 0 }, /no type of arrays named "Function"/],
  [{ is: "type", name: "eval" }, /no type of arrays named "eval"/],
  [{ is: "number", text: "7" }, /number/],
  [{ is: "bigint", text: "x" }, /bigint/],
  [{ is: "object", entries: [[1, 2]] }, /name/],
  [{ is: "bytes", data: 3 }, /bytes that are not a Uint8Array/],
  [{ is: "constructor" }, /unknown kind, "constructor"/],
  [{}, /unknown kind/],
  [JSON.parse("[".repeat(500) + "]".repeat(500)), /nested too deep/],
])("refuses %j", (json, words) => {
  expect(() => new ValueReader([new Uint8Array(6)]).read(json)).toThrow(
    expect.objectContaining({ code: "invalid-frame", message: expect.stringMatching(words) }),
  );
});
