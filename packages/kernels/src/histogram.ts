import {
  type ComputeBackend,
  ComputeError,
  defineKernel,
  type Kernel,
  type Output,
  output,
  type Program,
} from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";
import { checkArray, isFromSpirv } from "./check-arguments.js";
import { decodeBase64 } from "./decode-base64.js";
import type { KernelRunOptions } from "./kernel-run-options.js";
import { histogram as spirv } from "./spirv.generated.js";

const workgroupSize = 256;
/** 16 KiB of counters: the workgroup memory that every WebGPU device has. */
const maxBinCount = 4096;
/** At least as many as the most bins, so that adding up a workgroup's bins never costs more than counting. */
const valuesPerWorkgroup = 4096;
const maxWorkgroups = 512;

const wgsl = /* wgsl */ `
override workgroup_size: u32 = 256;
const maxBinCount = 4096u;

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;

var<workgroup> bins: array<atomic<u32>, maxBinCount>;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(num_workgroups) workgroups: vec3u,
) {
  let count = arrayLength(&values);
  let binCount = min(arrayLength(&counts), maxBinCount);
  let stride = workgroups.x * workgroup_size;

  for (var i = id.x; i < count; i += stride) {
    let bin = values[i];
    if (bin < binCount) {
      atomicAdd(&bins[bin], 1);
    }
  }
  workgroupBarrier();

  for (var bin = local; bin < binCount; bin += workgroup_size) {
    let found = atomicLoad(&bins[bin]);
    if (found > 0) {
      atomicAdd(&counts[bin], found);
    }
  }
}
`;

export type HistogramBindings = {
  readonly values: Uint32Array;
  /** One element per bin, at most 4096. */
  readonly counts: Output<Uint32Array>;
};

/**
 * `counts[bin]` is how many of `values` equal `bin`; values of `counts.length` and above are not counted. Each
 * workgroup counts in its own memory first, so repeated values do not compete for one address.
 */
export const histogram = /* @__PURE__ */ defineHistogram("histogram", { wgsl });

/** `histogram`, from SPIR-V. */
export const histogramSpirv = /* @__PURE__ */ defineHistogram("histogram-spirv", { spirv: decodeBase64(spirv) });

/**
 * Counts values on the GPU.
 * @param binCount From 1 to 4096.
 * @returns How often each number below `binCount` occurs; larger values are not counted. Zeros for no values, without a
 *   dispatch. Equal to `histogramReference`.
 * @throws {ComputeError} `invalid-binding` if `binCount` is not in that range; and whatever `ComputeBackend.run`
 *   throws.
 */
export async function runHistogram(
  backend: ComputeBackend,
  values: Uint32Array,
  binCount: number,
  { from = "wgsl", ...options }: KernelRunOptions = {},
): Promise<Uint32Array> {
  const isSpirv = isFromSpirv("runHistogram", from, options);
  checkArray("runHistogram", "values", values);
  checkBinCount('runHistogram: "binCount"', binCount);
  if (values.length === 0) return new Uint32Array(binCount);
  const kernel = isSpirv ? histogramSpirv : histogram;
  const { counts } = await backend.run(kernel, { values, counts: output(Uint32Array, binCount) }, options);
  return counts;
}

/** What `runHistogram` computes, on the CPU. */
export function histogramReference(values: Uint32Array, binCount: number): Uint32Array {
  const counts = new Uint32Array(binCount);
  for (const value of values) {
    if (value < binCount) counts[value] = counts[value]! + 1;
  }
  return counts;
}

function defineHistogram(label: string, program: Program): Kernel<HistogramBindings> {
  return defineKernel<HistogramBindings>({
    label,
    ...program,
    threads({ values, counts }) {
      checkBinCount(`Kernel "${label}": the length of "counts"`, counts.length);
      return workgroupSize * Math.min(Math.ceil(values.length / valuesPerWorkgroup), maxWorkgroups);
    },
  });
}

function checkBinCount(subject: string, binCount: number): void {
  if (!Number.isSafeInteger(binCount) || binCount < 1 || binCount > maxBinCount) {
    throw new ComputeError(
      "invalid-binding",
      `${subject} must be a whole number from 1 to ${maxBinCount}; got ${describeValue(binCount)}.`,
    );
  }
}
