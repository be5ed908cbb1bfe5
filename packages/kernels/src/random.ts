import { ComputeError, defineKernel, type Kernel, type Output } from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";
import { alignment } from "./operation.js";
import { type Distribution, factors, keySteps, randomWgsl, rounds } from "./random-wgsl.js";

/** A sequence of random numbers and a place in it. Every number counts 32 bits. */
export type RandomGenerator = {
  readonly key: readonly [number, number];
  /** Of the first four numbers; the lowest 32 bits come first. */
  readonly counter: readonly [number, number, number, number];
};

export type RandomBindings<Numbers extends Uint32Array | Float32Array> = {
  readonly generator: RandomGenerator;
  readonly results: Output<Numbers>;
};

/**
 * Random words of 32 bits by Philox4x32-10, a counter-based generator (Salmon and others, "Parallel random numbers: as
 * easy as 1, 2, 3", 2011). The words 4i to 4i + 3 are the encrypted counter + i, so that they are the same on every
 * device, and any part of a sequence can be computed by itself.
 */
export const randomWords: Kernel<RandomBindings<Uint32Array>> = /* @__PURE__ */ defineRandom("random-words", "words");

/**
 * Random numbers of a uniform distribution, from 0 up to but not including 1: the upper 24 bits of `randomWords`, divided
 * by 2^24. They are the same on every device.
 */
export const randomUniform: Kernel<RandomBindings<Float32Array>> = /* @__PURE__ */ defineRandom(
  "random-uniform",
  "uniform",
);

/**
 * Random numbers of the standard normal distribution, two from each two of `randomWords` (Box and Muller, 1958). The
 * logarithms, sines and cosines are computed by series, not by the device's own functions, so that devices differ by some
 * roundings only. The largest magnitude is 5.8.
 */
export const randomNormal: Kernel<RandomBindings<Float32Array>> = /* @__PURE__ */ defineRandom(
  "random-normal",
  "normal",
);

/**
 * The generator that begins at block `block` of the sequence `stream` of `seed`; a block has four numbers. Sequences of
 * different seeds or streams do not overlap.
 * @throws {ComputeError} `invalid-option` if one of them is not a whole number from 0 to 2^53 - 1.
 */
export function randomGenerator(seed: number, stream = 0, block = 0): RandomGenerator {
  for (const [name, value] of Object.entries({ seed, stream, block })) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new ComputeError(
      "invalid-option",
      `randomGenerator: "${name}" must be a whole number from 0 to 2^53 - 1; got ${describeValue(value)}.`,
    );
  }
  return { key: wordsOf(seed), counter: [...wordsOf(block), ...wordsOf(stream)] };
}

/** What `randomWords` computes, on the CPU. */
export function randomWordsReference(length: number, generator: RandomGenerator): Uint32Array {
  const words = new Uint32Array(length);
  const counter = Uint32Array.from(generator.counter);
  for (let i = 0; i < length; i += 4) {
    words.set(encrypt(counter, generator.key).subarray(0, length - i), i);
    for (let digit = 0; digit < 4; digit += 1) {
      counter[digit]! += 1;
      if (counter[digit] !== 0) break;
    }
  }
  return words;
}

/** What `randomUniform` computes, on the CPU. */
export function randomUniformReference(length: number, generator: RandomGenerator): Float32Array {
  return Float32Array.from(randomWordsReference(length, generator), (word) => (word >>> 8) / 2 ** 24);
}

/** What `randomNormal` computes, on the CPU in float64. */
export function randomNormalReference(length: number, generator: RandomGenerator): Float32Array {
  const words = randomWordsReference(length + (length % 2), generator);
  return Float32Array.from({ length }, (_, i) => {
    const first = i - (i % 2);
    const radius = Math.sqrt(-2 * Math.log(((words[first]! >>> 8) + 1) / 2 ** 24));
    const angle = (2 * Math.PI * (words[first + 1]! >>> 8)) / 2 ** 24;
    return radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
  });
}

/** The lower and the upper 32 bits. */
function wordsOf(value: number): [number, number] {
  return [value % 2 ** 32, Math.floor(value / 2 ** 32)];
}

function encrypt(counter: Uint32Array, key: readonly number[]): Uint32Array {
  let [x, y, z, w] = counter as unknown as [number, number, number, number];
  for (let round = 0; round < rounds; round += 1) {
    const [keyX, keyY] = keySteps.map((step, i) => key[i]! + Math.imul(round, step)) as [number, number];
    const [first, second] = [BigInt(factors[0]) * BigInt(x), BigInt(factors[1]) * BigInt(z)];
    const upper = (product: bigint) => Number(product >> 32n);
    const lower = (product: bigint) => Number(product & 0xffff_ffffn);
    [x, y, z, w] = [(upper(second) ^ y ^ keyX) >>> 0, lower(second), (upper(first) ^ w ^ keyY) >>> 0, lower(first)];
  }
  return Uint32Array.of(x, y, z, w);
}

function defineRandom<Numbers extends Uint32Array | Float32Array>(
  label: string,
  distribution: Distribution,
): Kernel<RandomBindings<Numbers>> {
  return defineKernel<RandomBindings<Uint32Array | Float32Array>>({
    label,
    programs: {
      aligned: { wgsl: randomWgsl(distribution, true) },
      unaligned: { wgsl: randomWgsl(distribution, false) },
    },
    passes: ({ results: { length } }) => [{ program: alignment(length), threads: Math.ceil(length / 4) }],
  }) as Kernel<RandomBindings<Numbers>>;
}
