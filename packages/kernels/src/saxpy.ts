import { type ComputeBackend, ComputeError, defineKernel, type Inout, inout } from "@kiln-gpu/core";
import { checkArray, isFromSpirv } from "./check-arguments.js";
import { decodeBase64 } from "./decode-base64.js";
import type { KernelRunOptions } from "./kernel-run-options.js";
import { saxpy as spirv } from "./spirv.generated.js";

const wgsl = /* wgsl */ `
override workgroup_size: u32 = 256;

@group(0) @binding(0) var<uniform> alpha: f32;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(workgroup_size)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i < arrayLength(&y)) {
    y[i] = alpha * x[i] + y[i];
  }
}
`;

export type SaxpyBindings = {
  readonly alpha: number;
  readonly x: Float32Array;
  /** As long as `x`. */
  readonly y: Inout<Float32Array>;
};

/** `y = alpha * x + y`: the saxpy of BLAS level 1, "single-precision a times x plus y". */
export const saxpy = /* @__PURE__ */ defineKernel<SaxpyBindings>({
  label: "saxpy",
  wgsl,
  tunable: { workgroup_size: [256, 64, 128, 512] },
});

/** `saxpy`, from SPIR-V. */
export const saxpySpirv = /* @__PURE__ */ defineKernel<SaxpyBindings>({
  label: "saxpy-spirv",
  spirv: decodeBase64(spirv),
});

/**
 * Computes `alpha * x + y` on the GPU.
 * @param alpha Rounded to f32.
 * @returns A new array; `y` keeps its values. A device may round the product before the addition, or fuse the two.
 * @throws {ComputeError} `invalid-binding` if the lengths differ; and whatever `ComputeBackend.run` throws.
 */
export async function runSaxpy(
  backend: ComputeBackend,
  alpha: number,
  x: Float32Array,
  y: Float32Array,
  { from = "wgsl", ...options }: KernelRunOptions = {},
): Promise<Float32Array> {
  const isSpirv = isFromSpirv("runSaxpy", from, options);
  checkArray("runSaxpy", "x", x);
  checkArray("runSaxpy", "y", y);
  if (x.length !== y.length) {
    throw new ComputeError(
      "invalid-binding",
      `runSaxpy: "x" and "y" must have the same length; got ${x.length} and ${y.length} elements.`,
    );
  }
  const kernel = isSpirv ? saxpySpirv : saxpy;
  const results = await backend.run(kernel, { alpha, x, y: inout(y) }, options);
  return results.y;
}

/** What `runSaxpy` computes, on the CPU, without rounding the product. */
export function saxpyReference(alpha: number, x: Float32Array, y: Float32Array): Float32Array {
  const result = new Float32Array(y.length);
  const factor = Math.fround(alpha);
  for (let i = 0; i < result.length; i += 1) result[i] = factor * x[i]! + y[i]!;
  return result;
}
