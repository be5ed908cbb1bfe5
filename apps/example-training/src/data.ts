/** Points of the plane, each with a label. */
export interface Samples {
  /** x and y of each point, from -1 to 1. */
  readonly points: Float32Array;
  /** 1 for the points within a circle, 0 for those around it. */
  readonly labels: Float32Array;
}

/** The radius of a circle that covers half of the square. */
const radius = Math.sqrt(2 / Math.PI);

export function makeSamples(count: number, random: () => number): Samples {
  const points = Float32Array.from({ length: 2 * count }, () => 2 * random() - 1);
  const labels = Float32Array.from({ length: count }, (_, i) =>
    Math.hypot(points[2 * i]!, points[2 * i + 1]!) < radius ? 1 : 0,
  );
  return { points, labels };
}

/**
 * The parameters of a network with one hidden layer before it is trained. Each neuron of that layer has four: the
 * weights of x and y, a bias, and the weight of its result. The last parameter is the bias of the output.
 */
export function makeParameters(neurons: number, random: () => number): Float32Array {
  return Float32Array.from({ length: 4 * neurons + 1 }, () => 2 * random() - 1);
}

/** Numbers from 0 to 1, the same ones for the same seed (a linear congruential generator, Numerical Recipes). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
