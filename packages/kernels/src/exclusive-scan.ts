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
import { defineScan } from "./scan.js";
import { blockScan as blockScanSpirv, blockTotals as blockTotalsSpirv } from "./spirv.generated.js";

/** How many values one workgroup of the SPIR-V program scans. */
const blockLength = 2048;

export type ExclusiveScanBindings = {
  readonly values: Uint32Array;
  /** As long as `values`. */
  readonly prefixes: Output<Uint32Array>;
};

/** `prefixes[i] = values[0] + ... + values[i - 1]`, modulo 2^32, by the passes of `defineScan`. */
export const exclusiveScan: Kernel<ExclusiveScanBindings> = /* @__PURE__ */ defineScan({
  label: "exclusive-scan",
  type: "u32",
  combine: "a + b",
  identity: "0",
});

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
