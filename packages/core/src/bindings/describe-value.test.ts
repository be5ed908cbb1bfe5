import { expect, test } from "vitest";
import { bindingRole } from "./binding-role.js";
import { inout, lease, output, temporary } from "./bindings.js";
import { adviseArray, describeEach, describeValue } from "./describe-value.js";

test.each<[string, unknown]>([
  ["3", 3],
  ['"3"', "3"],
  ['"a \\"quoted\\" one"', 'a "quoted" one'],
  ["NaN", Number.NaN],
  ["3n", 3n],
  ["true", true],
  ["undefined", undefined],
  ["null", null],
  ["Symbol(s)", Symbol("s")],
  ["the function Array", Array],
  ["the function without a name", () => 1],
  ["an array of 2", [1, 2]],
  ["a Float32Array", new Float32Array(2)],
  ["a DataView", new DataView(new ArrayBuffer(4))],
  ["a promise", Promise.resolve()],
  ["an ArrayBuffer", new ArrayBuffer(4)],
  ["a SharedArrayBuffer", new SharedArrayBuffer(4)],
  ["an object", { x: 1 }],
  ["an object", Object.create(null)],
  ["an output", output(Float32Array, 1)],
  ["a lease", lease(Float32Array, 1)],
  ["an inout", inout(new Float32Array(1))],
  ["a temporary", temporary(Float32Array, 1)],
  ["staged memory", { [bindingRole]: "staged" }],
  ["a resident array", { [bindingRole]: "resident" }],
  ['the resident array "field"', { [bindingRole]: "resident", label: "field" }],
  ["the reference of a parameter", { [bindingRole]: "reference", name: "k" }],
])("says %s", (words, value) => {
  expect(describeValue(value)).toBe(words);
});

test("shortens what is long, and says how long a string is", () => {
  expect(describeValue("x".repeat(1_000_000))).toBe(`"${"x".repeat(40)}…" (a string of 1000000 characters)`);
  expect(describeValue("x".repeat(40))).toBe(`"${"x".repeat(40)}"`);
  for (const value of [Symbol("x".repeat(1000)), 10n ** 1000n, { ["x".repeat(1000)]: () => 1 }["x".repeat(1000)]]) {
    expect(describeValue(value).length).toBeLessThan(60);
  }
});

test("says the first few of many", () => {
  expect(describeEach([])).toBe("[]");
  expect(describeEach([1, "2", 3, null])).toBe('[1, "2", 3, null]');
  expect(describeEach(Array.from({ length: 1_000_000 }, (_, i) => i))).toBe("[0, 1, 2, 3, …]");
});

test.each<[string, unknown]>([
  [" Give it as new Int32Array([...]).", [1, 2]],
  [" Give a view of it: new Int32Array(buffer).", new ArrayBuffer(4)],
  [" An `await` is probably missing.", Promise.resolve(new Int32Array(2))],
  ["", new Float32Array(2)],
  ["", { x: 1 }],
  ["", 3],
  ["", null],
  ["", undefined],
])("advises %j", (advice, value) => {
  expect(adviseArray(value, "Int32Array")).toBe(advice);
});
