import type { Samples } from "./data.js";

/** The same training on the CPU, in float64. */
export function trainReference(
  { points, labels }: Samples,
  first: Float32Array,
  { steps, rate }: { readonly steps: number; readonly rate: number },
): { readonly parameters: Float64Array; readonly loss: number } {
  const parameters = Float64Array.from(first);
  const last = parameters.length - 1;
  let loss = 0;
  for (let step = 0; step < steps; step += 1) {
    const gradients = new Float64Array(parameters.length);
    loss = 0;
    for (const [sample, label] of labels.entries()) {
      const [x, y] = [points[2 * sample]!, points[2 * sample + 1]!];
      const hidden = hiddenOf(parameters, x, y);
      const z = outputOf(parameters, hidden);
      loss += Math.max(z, 0) - z * label + Math.log1p(Math.exp(-Math.abs(z)));
      const error = 1 / (1 + Math.exp(-z)) - label;
      for (const [n, h] of hidden.entries()) {
        const inner = error * parameters[4 * n + 3]! * (1 - h * h);
        gradients[4 * n]! += inner * x;
        gradients[4 * n + 1]! += inner * y;
        gradients[4 * n + 2]! += inner;
        gradients[4 * n + 3]! += error * h;
      }
      gradients[last]! += error;
    }
    for (const [i, gradient] of gradients.entries()) parameters[i]! -= (rate * gradient) / labels.length;
  }
  return { parameters, loss: loss / labels.length };
}

/** The part of `samples` that the network puts on the right side of its circle. */
export function accuracyOf(parameters: Float32Array | Float64Array, { points, labels }: Samples): number {
  const right = labels.filter((label, i) => {
    const z = outputOf(parameters, hiddenOf(parameters, points[2 * i]!, points[2 * i + 1]!));
    return z > 0 === (label === 1);
  });
  return right.length / labels.length;
}

function hiddenOf(parameters: Float32Array | Float64Array, x: number, y: number): number[] {
  return Array.from({ length: (parameters.length - 1) / 4 }, (_, n) => {
    const [a, b, bias] = parameters.subarray(4 * n);
    return Math.tanh(a! * x + b! * y + bias!);
  });
}

function outputOf(parameters: Float32Array | Float64Array, hidden: readonly number[]): number {
  return hidden.reduce((z, h, n) => z + parameters[4 * n + 3]! * h, parameters.at(-1)!);
}
