import { type ComputeBackend, type Kernel, type Output, output } from "@kiln-gpu/core";
import { checkArray } from "./check-arguments.js";
import type { KernelRunOptions } from "./kernel-run-options.js";
import { defineReductionInto } from "./reduction.js";
import { sumReference } from "./sum.js";

export type MeanBindings = {
  readonly values: Float32Array;
  /** One element. */
  readonly mean: Output<Float32Array>;
};

/** The sum of `values`, as `sum` computes it, divided by their number. It is NaN if one of them is. */
export const mean = /* @__PURE__ */ defineReductionInto(
  { label: "mean", type: "f32", combine: "a + b", identity: "0", finish: "total / f32(count)" },
  "mean",
) as Kernel<MeanBindings>;

/**
 * Computes the mean of `values` on the GPU.
 * @returns Their sum in f32, divided by their number; NaN for no values, without a dispatch. The same values give the
 *   same mean every time on one device.
 * @throws {ComputeError} `invalid-binding` if `values` is not a typed array; and whatever `ComputeBackend.run` throws.
 */
export async function runMean(
  backend: ComputeBackend,
  values: Float32Array,
  options: Omit<KernelRunOptions, "from"> = {},
): Promise<number> {
  checkArray("runMean", "values", values);
  if (values.length === 0) return Number.NaN;
  const results = await backend.run(mean, { values, mean: output(Float32Array, 1) }, options);
  return results.mean[0]!;
}

/** What `runMean` computes, on the CPU in float64. */
export function meanReference(values: Float32Array): number {
  return sumReference(values) / values.length;
}
