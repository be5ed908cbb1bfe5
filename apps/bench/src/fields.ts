import { fieldAddReference } from "@kiln-gpu/kernels";

/** Two arrays to add, and what comes out; random and never zero, so that an unwritten result cannot pass. */
export interface Fields {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly expected: Float32Array;
}

export function randomFields(length: number): Fields {
  const a = Float32Array.from({ length }, () => 0.5 + Math.random());
  const b = Float32Array.from({ length }, () => 0.5 + Math.random());
  return { a, b, expected: fieldAddReference(a, b) };
}

/** @throws {Error} naming the first element that is wrong. */
export function checkSum(name: string, { expected }: Fields, given: Float32Array): void {
  if (given.length !== expected.length) {
    throw new Error(`${name} returns ${given.length} elements; expected are ${expected.length}.`);
  }
  for (let i = 0; i < expected.length; i += 1) {
    if (given[i] !== expected[i]) throw new Error(`${name} returns ${given[i]} at [${i}]; expected is ${expected[i]}.`);
  }
}
