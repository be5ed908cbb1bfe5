/** What WebGPU does not have yet, or not in this form: options of Dawn, which npm `webgpu` brings to Node. */
import { ComputeError } from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";

/**
 * - `subgroup-matrix`: matrices that a subgroup multiplies together, on tensor cores where a GPU has them. Dawn calls
 *   its form of them unsafe: what it does not check can read or write other memory of the GPU.
 * - `no-robustness`: no checks that indices are within an array. A kernel that is wrong can then read and write memory
 *   that is not its own, or stop the driver. Use it for kernels that you trust, never for others' programs.
 */
export type Experiment = "subgroup-matrix" | "no-robustness";

/** Dawn's names of what an experiment turns on. */
const toggles: Readonly<Record<Experiment, string>> = {
  "subgroup-matrix": "allow_unsafe_apis",
  "no-robustness": "disable_robustness",
};

/** Features that a device gets with an experiment if its adapter has them. */
export const experimentFeatures: Readonly<Record<Experiment, readonly string[]>> = {
  "subgroup-matrix": ["chromium-experimental-subgroup-matrix"],
  "no-robustness": [],
};

/** Dawn's features of an instance for these experiments, in an order that does not depend on theirs. */
export function togglesOf(experiments: readonly Experiment[]): string[] {
  // On NVIDIA Dawn offers f16 only if it is asked to.
  return ["vulkan_enable_f16_on_nvidia", ...[...new Set(experiments)].sort().map((each) => toggles[each])];
}

/** @throws {ComputeError} `invalid-option` if the option "experimental" is not a list of experiments. */
export function checkExperiments(experimental: unknown): void {
  if (experimental === undefined) return;
  const names = Object.keys(toggles);
  const isName = (each: unknown) => typeof each === "string" && names.includes(each);
  if (Array.isArray(experimental) && experimental.every(isName)) return;
  const given = Array.isArray(experimental) ? experimental.find((each) => !isName(each)) : experimental;
  throw new ComputeError(
    "invalid-option",
    `The option "experimental" must be a list of ${names.map((name) => `"${name}"`).join(" and ")}; ` +
      `got ${describeValue(given)}.`,
  );
}

/** Says on the console that the kernels of a device are not checked. */
export function warnOfExperiments(experiments: readonly Experiment[]): void {
  if (!experiments.includes("no-robustness")) return;
  console.warn(
    'Kiln: a device is opened with experimental "no-robustness". Its kernels are not kept within their arrays: one that ' +
      "is wrong can read and write other memory of the GPU.",
  );
}
