import {
  type ComputeBackend,
  defineKernel,
  type Kernel,
  type Output,
  output,
  type Program,
  temporary,
} from "@kiln-gpu/core";
import { checkArray, isFromSpirv } from "./check-arguments.js";
import { decodeBase64 } from "./decode-base64.js";
import type { KernelRunOptions } from "./kernel-run-options.js";
import { defineReductionInto } from "./reduction.js";
import { sum as spirv } from "./spirv.generated.js";

/** Four values per thread: below this, more workgroups help more than longer loops. */
const valuesPerWorkgroup = 1024;
/** 262,144 threads: about what the largest GPUs run at once, and few enough partial sums for one workgroup to add. */
const maxWorkgroups = 1024;

export type SumBindings = {
  readonly values: Float32Array;
  /** One element. */
  readonly sum: Output<Float32Array>;
};

/** The sum of `values` in two passes: each workgroup writes a partial sum, then one adds these up. */
export const sum = /* @__PURE__ */ defineReductionInto(
  { label: "sum", type: "f32", combine: "a + b", identity: "0" },
  "sum",
) as Kernel<SumBindings>;

/** `sum` from SPIR-V, in two passes of one program. */
export const sumSpirv = /* @__PURE__ */ defineSum("sum-spirv", { spirv: decodeBase64(spirv) });

/**
 * Adds up `values` on the GPU.
 * @returns Their sum as f32; 0 for no values, without a dispatch. The order of the additions depends only on the
 *   length, so the same values give the same sum every time on one device. Each value goes through at most n / 262,144
 *   + 30 roundings.
 * @throws {ComputeError} `invalid-binding` if `values` is not a typed array; and whatever `ComputeBackend.run` throws.
 */
export async function runSum(
  backend: ComputeBackend,
  values: Float32Array,
  { from = "wgsl", ...options }: KernelRunOptions = {},
): Promise<number> {
  const isSpirv = isFromSpirv("runSum", from, options);
  checkArray("runSum", "values", values);
  if (values.length === 0) return 0;
  const kernel = isSpirv ? sumSpirv : sum;
  const results = await backend.run(kernel, { values, sum: output(Float32Array, 1) }, options);
  return results.sum[0]!;
}

/** What `runSum` computes, on the CPU in float64, which is more accurate than the GPU's f32. */
export function sumReference(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function defineSum(label: string, program: Program): Kernel<SumBindings> {
  return defineKernel<SumBindings>({
    label,
    programs: { sum: program },
    temporaries: ({ values }) => ({ partials: temporary(Float32Array, countWorkgroups(values.length)) }),
    passes({ values }) {
      const workgroups = countWorkgroups(values.length);
      if (workgroups === 1) return [{ program: "sum", workgroups }];
      return [
        { program: "sum", bindings: { sum: "partials" }, workgroups },
        { program: "sum", bindings: { values: "partials" }, workgroups: 1 },
      ];
    },
  });
}

function countWorkgroups(length: number): number {
  return Math.min(Math.ceil(length / valuesPerWorkgroup), maxWorkgroups);
}
