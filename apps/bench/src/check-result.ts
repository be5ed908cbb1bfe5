import type { TypedArray } from "@kiln-gpu/core";

/**
 * @param tolerance How far an element may be off, as a part of the expected one: 0 where nothing is rounded differently.
 * @throws {Error} naming the first element that is wrong.
 */
export function checkResult(name: string, expected: TypedArray, given: TypedArray, tolerance = 0): void {
  if (given.length !== expected.length) {
    throw new Error(`${name} returns ${given.length} elements; expected are ${expected.length}.`);
  }
  for (let i = 0; i < expected.length; i += 1) {
    // Written so that NaN is wrong too.
    if (Math.abs(given[i]! - expected[i]!) <= tolerance * Math.abs(expected[i]!)) continue;
    throw new Error(`${name} returns ${given[i]} at [${i}]; expected is ${expected[i]}.`);
  }
}
