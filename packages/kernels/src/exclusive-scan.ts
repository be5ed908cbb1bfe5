import {
  type ComputeBackend,
  defineKernel,
  type Kernel,
  type Output,
  output,
  type Pass,
  type Program,
  type Temporary,
  temporary,
} from "@kiln-gpu/core";
import { checkArray, isFromSpirv } from "./check-arguments.js";
import { decodeBase64 } from "./decode-base64.js";
import type { KernelRunOptions } from "./kernel-run-options.js";
import { blockScan as blockScanSpirv, blockTotals as blockTotalsSpirv } from "./spirv.generated.js";

/** How many values one workgroup scans. */
const blockLength = 2048;

const blockTotalsWgsl = /* wgsl */ `
// A power of two, up to the block.
override workgroup_size: u32 = 256;
const blockLength = 2048u;

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read_write> totals: array<u32>;

var<workgroup> subtotals: array<u32, workgroup_size>;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
) {
  let valuesPerThread = blockLength / workgroup_size;
  let begin = id.x * valuesPerThread;
  let end = min(begin + valuesPerThread, arrayLength(&values));

  var subtotal = 0u;
  for (var i = begin; i < end; i++) {
    subtotal += values[i];
  }
  subtotals[local] = subtotal;
  workgroupBarrier();

  for (var width = workgroup_size / 2; width > 0; width /= 2) {
    if (local < width) {
      subtotals[local] += subtotals[local + width];
    }
    workgroupBarrier();
  }
  if (local == 0) {
    totals[workgroup.x] = subtotals[0];
  }
}
`;

const blockScanWgsl = /* wgsl */ `
// A power of two, up to the block.
override workgroup_size: u32 = 256;
const blockLength = 2048u;

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read_write> prefixes: array<u32>;

var<workgroup> sums: array<u32, 2 * workgroup_size>;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
) {
  let valuesPerThread = blockLength / workgroup_size;
  let begin = id.x * valuesPerThread;
  let end = min(begin + valuesPerThread, arrayLength(&values));

  var subtotal = 0u;
  for (var i = begin; i < end; i++) {
    subtotal += values[i];
  }
  sums[local] = subtotal;
  workgroupBarrier();

  // Hillis and Steele, back and forth between two halves: after each step a thread's sum reaches twice as far back.
  var half = 0u;
  var reached = subtotal;
  for (var reach = 1u; reach < workgroup_size; reach *= 2) {
    if (local >= reach) {
      reached += sums[half + local - reach];
    }
    half = workgroup_size - half;
    sums[half + local] = reached;
    workgroupBarrier();
  }

  var prefix = offsets[workgroup.x] + reached - subtotal;
  for (var i = begin; i < end; i++) {
    prefixes[i] = prefix;
    prefix += values[i];
  }
}
`;

export type ExclusiveScanBindings = {
  readonly values: Uint32Array;
  /** As long as `values`. */
  readonly prefixes: Output<Uint32Array>;
};

/**
 * `prefixes[i] = values[0] + ... + values[i - 1]`, modulo 2^32. Reduce, then scan: the first passes add up blocks of
 * 2048 values, then blocks of these totals, and so on until one block is left. The passes back down scan each block,
 * starting at the offset that the level above computed.
 */
export const exclusiveScan = /* @__PURE__ */ defineExclusiveScan(
  "exclusive-scan",
  { wgsl: blockTotalsWgsl },
  { wgsl: blockScanWgsl },
);

/** `exclusiveScan`, from SPIR-V. */
export const exclusiveScanSpirv = /* @__PURE__ */ defineExclusiveScan(
  "exclusive-scan-spirv",
  { spirv: decodeBase64(blockTotalsSpirv) },
  { spirv: decodeBase64(blockScanSpirv) },
);

/**
 * Scans `values` on the GPU.
 * @returns For each element the sum of those before it, modulo 2^32, starting with 0; equal to
 *   `exclusiveScanReference`.
 * @throws {ComputeError} `invalid-binding` if `values` is not a typed array; and whatever `ComputeBackend.run` throws.
 */
export async function runExclusiveScan(
  backend: ComputeBackend,
  values: Uint32Array,
  { from = "wgsl", ...options }: KernelRunOptions = {},
): Promise<Uint32Array> {
  const isSpirv = isFromSpirv("runExclusiveScan", from, options);
  checkArray("runExclusiveScan", "values", values);
  const kernel = isSpirv ? exclusiveScanSpirv : exclusiveScan;
  const { prefixes } = await backend.run(kernel, { values, prefixes: output(Uint32Array, values.length) }, options);
  return prefixes;
}

/** What `runExclusiveScan` computes, on the CPU. */
export function exclusiveScanReference(values: Uint32Array): Uint32Array {
  const prefixes = new Uint32Array(values.length);
  let prefix = 0;
  for (let i = 0; i < values.length; i += 1) {
    prefixes[i] = prefix;
    prefix = (prefix + values[i]!) >>> 0;
  }
  return prefixes;
}

function defineExclusiveScan(label: string, totals: Program, scan: Program): Kernel<ExclusiveScanBindings> {
  return defineKernel<ExclusiveScanBindings>({
    label,
    programs: { totals, scan },
    temporaries({ values }) {
      // Temporaries start as zeros and nothing writes `zero`: it is the offset of the topmost block.
      const temporaries: Record<string, Temporary> = { zero: temporary(Uint32Array, 1) };
      for (const [level, length] of levelLengths(values.length).entries()) {
        if (level === 0) continue;
        temporaries[`totals${level}`] = temporary(Uint32Array, length);
        temporaries[`offsets${level}`] = temporary(Uint32Array, length);
      }
      return temporaries;
    },
    passes({ values }) {
      const up: Pass[] = [];
      const down: Pass[] = [];
      const lengths = levelLengths(values.length);
      const top = lengths.length - 1;
      for (const [level, length] of lengths.entries()) {
        const workgroups = Math.ceil(length / blockLength);
        const source = level === 0 ? "values" : `totals${level}`;
        const prefixes = level === 0 ? "prefixes" : `offsets${level}`;
        const offsets = level === top ? "zero" : `offsets${level + 1}`;
        if (level < top) {
          up.push({ program: "totals", bindings: { values: source, totals: `totals${level + 1}` }, workgroups });
        }
        down.unshift({ program: "scan", bindings: { values: source, offsets, prefixes }, workgroups });
      }
      return [...up, ...down];
    },
  });
}

/** The lengths to scan at each level: the values, the totals of their blocks, and so on, until one block is enough. */
function levelLengths(length: number): number[] {
  const lengths = [length];
  for (let rest = length; rest > blockLength; ) {
    rest = Math.ceil(rest / blockLength);
    lengths.push(rest);
  }
  return lengths;
}
