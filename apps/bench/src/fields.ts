import { fieldAddReference } from "@kiln-gpu/kernels";
import { checkResult } from "./check-result.js";
import type { Contender } from "./interleave.js";

/** Two arrays to add, and their sum: random and never zero, so that an unwritten result cannot pass. */
export interface Fields {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly expected: Float32Array;
}

export function randomFields(length: number): Fields {
  const a = new Float32Array(length);
  const b = new Float32Array(length);
  for (let i = 0; i < length; i += 1) {
    a[i] = 0.5 + Math.random();
    b[i] = 0.5 + Math.random();
  }
  return { a, b, expected: fieldAddReference(a, b) };
}

/** Two alternating pairs of arrays, so that the previous result cannot pass for the current one. */
export function fieldsInTurn(length: number): () => Fields {
  const [even, odd] = [randomFields(length), randomFields(length)];
  let calls = 0;
  return () => (calls++ % 2 === 0 ? even : odd);
}

/** The addition as a contender. The timed part is from two arrays to one. */
export function adding(name: string, next: () => Fields, add: (fields: Fields) => Promise<Float32Array>): Contender {
  return {
    name,
    async run(stopwatch) {
      const fields = next();
      stopwatch.start();
      const c = await add(fields);
      stopwatch.stop();
      checkResult(name, fields.expected, c);
    },
  };
}
