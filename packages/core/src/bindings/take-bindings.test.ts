import { expect, test } from "vitest";
import { inout, output } from "./bindings.js";
import { takeBindings } from "./take-bindings.js";

const take = (bindings: object) => takeBindings('Kernel "k"', bindings) as Record<string, unknown>;

test("plain values are copied, however deep; arrays and what Kiln makes are not", () => {
  const x = new Float32Array(2);
  const y = output(Float32Array, 2);
  const z = inout(x);
  const value = { a: 1, list: [[1, 2], [3]], inner: { b: true, x } };
  const taken = take({ x, y, z, n: 3, value });
  expect(taken).toEqual({ x, y, z, n: 3, value });
  expect([taken.x, taken.y, taken.z]).toEqual([x, y, z]);
  expect(taken.x).toBe(x);
  expect(taken.y).toBe(y);
  value.a = 2;
  value.list[0]![0] = 7;
  value.inner.b = false;
  expect(taken.value).toEqual({ a: 1, list: [[1, 2], [3]], inner: { b: true, x } });
  expect((taken.value as typeof value).inner.x).toBe(x);
});

test("a getter is asked once, and a name that every object inherits is a name", () => {
  let asked = 0;
  const given = Object.defineProperty({ constructor: 1 }, "n", { enumerable: true, get: () => (asked += 1) });
  Object.defineProperty(given, "__proto__", { enumerable: true, value: [1] });
  const taken = take(given);
  expect(Object.entries(taken)).toEqual([
    ["constructor", 1],
    ["n", 1],
    ["__proto__", [1]],
  ]);
  expect(asked).toBe(1);
});

test("a value that occurs twice, or in itself, is copied once", () => {
  const shared: Record<string, unknown> = { n: 1 };
  shared.self = shared;
  const { a } = take({ a: [shared, shared] }) as { a: Record<string, unknown>[] };
  expect(a[0]).not.toBe(shared);
  expect(a[1]).toBe(a[0]);
  expect(a[0]!.self).toBe(a[0]);
});

test("what is no value stays as it is, so that an error can name it", () => {
  const values = { promise: Promise.resolve(), map: new Map(), buffer: new ArrayBuffer(4), date: new Date(0) };
  expect(Object.values(take(values)).every((value, i) => value === Object.values(values)[i])).toBe(true);
});

test.each([undefined, null, 3, new Float32Array(1)])("refuses %s for bindings", (given) => {
  expect(() => take(given as never)).toThrow(
    expect.objectContaining({
      code: "invalid-binding",
      message: expect.stringMatching(/^Kernel "k" takes an object of bindings by name; got /),
    }),
  );
});
