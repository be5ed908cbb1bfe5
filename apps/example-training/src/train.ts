import { output, type PersistentComputeBackend, temporary } from "kiln-gpu";
import { sum } from "kiln-gpu/kernels";
import type { Samples } from "./data.js";
import { backward, descend } from "./kernels.js";

export interface Training {
  /** The steps of gradient descent, a multiple of `stepsPerReport`. */
  readonly steps: number;
  readonly stepsPerReport: number;
  readonly rate: number;
  /** Ends the training between two reports. */
  readonly signal?: AbortSignal;
  /** Called after each `stepsPerReport` steps, with the mean loss of the last of them. */
  onProgress?(step: number, loss: number): void;
}

/**
 * Trains a network from its first `parameters` by gradient descent over all samples at once. Everything stays on the
 * GPU: one replay of the sequence does many steps, and brings back one number.
 * @returns The trained parameters.
 */
export async function train(
  gpu: PersistentComputeBackend,
  samples: Samples,
  first: Float32Array,
  { steps, stepsPerReport, rate, signal, onProgress }: Training,
): Promise<Float32Array> {
  const count = samples.labels.length;
  using parameters = await gpu.array(first, { label: "parameters" });
  using points = await gpu.array(samples.points, { label: "points" });
  using labels = await gpu.array(samples.labels, { label: "labels" });
  using block = await gpu.record(
    {
      rate,
      gradients: temporary(Float32Array, first.length * count),
      losses: temporary(Float32Array, count),
      loss: output(Float32Array, 1),
    },
    (run, { rate, gradients, losses, loss }) => {
      for (let step = 0; step < stepsPerReport; step += 1) {
        run(backward, { points, labels, parameters, gradients, losses });
        run(descend, { rate, gradients, parameters });
      }
      run(sum, { values: losses, sum: loss });
    },
    { label: `${stepsPerReport} steps` },
  );
  for (let step = stepsPerReport; step <= steps; step += stepsPerReport) {
    // A replay may bring another rate: `replay({ rate: 0.1 })`.
    const { loss } = await block.replay({}, { ...(signal && { signal }) });
    onProgress?.(step, loss[0]! / count);
  }
  return parameters.read();
}
