import type { TypedArray } from "@kiln-gpu/core";

/**
 * @param tolerance How far an element may be off, relative to the expected one: 0 if all rounding is the same.
 * @throws {Error} that names the first wrong element.
 */
export function checkResult(name: string, expected: TypedArray, given: TypedArray, tolerance = 0): void {
  if (given.length !== expected.length) {
    throw new Error(`${name} must return ${expected.length} elements; got ${given.length}.`);
  }
  for (let i = 0; i < expected.length; i += 1) {
    // In this form the comparison also fails for NaN.
    if (Math.abs(given[i]! - expected[i]!) <= tolerance * Math.abs(expected[i]!)) continue;
    throw new Error(`${name} must return ${expected[i]} at [${i}]; got ${given[i]}.`);
  }
}
