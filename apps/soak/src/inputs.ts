/** Random elements, created once; the inputs of runs are parts of them. */

export const largest = 2 ** 20;

const words = Uint32Array.from({ length: 2 * largest }, () => Math.floor(Math.random() * 2 ** 32));
const floats = Float32Array.from(words, (word) => 0.5 + word / 2 ** 32);
/** Small enough that their sums and products are exact in f32, in any order of additions. */
const integers = Float32Array.from(words, (word) => word & 15);

export const wordsOf = (length: number) => words.subarray(...partOf(length));
export const floatsOf = (length: number) => floats.subarray(...partOf(length));
export const integersOf = (length: number) => integers.subarray(...partOf(length));

/** A whole number below `end`. */
export const below = (end: number) => Math.floor(Math.random() * end);

/** From 1 to `most` elements; all orders of magnitude are equally likely. */
export const anyLength = (most: number) => Math.ceil(Math.exp(Math.random() * Math.log(most)));

export const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function partOf(length: number): [start: number, end: number] {
  const start = below(largest);
  return [start, start + length];
}
