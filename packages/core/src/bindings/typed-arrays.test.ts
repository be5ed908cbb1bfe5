import { expect, test } from "vitest";
import { arrayTypeOf } from "./typed-arrays.js";

class Points extends Float32Array {}

class Tagged extends Float32Array {
  // @ts-expect-error TypeScript knows the tag of a Float32Array.
  override get [Symbol.toStringTag]() {
    return "Tagged";
  }
}

test("an array is of the kind that its class extends", () => {
  expect(arrayTypeOf(new Float32Array(1))).toBe(Float32Array);
  expect(arrayTypeOf(new Points(1))).toBe(Float32Array);
  expect(arrayTypeOf(Buffer.alloc(1))).toBe(Uint8Array);
});

test("an array whose class has a tag of its own is of that class, so that an error can name it", () => {
  expect(arrayTypeOf(new Tagged(1) as never)).toBe(Tagged);
});
