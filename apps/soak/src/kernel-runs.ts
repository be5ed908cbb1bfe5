/** Runs of kernels, each compared with the result of the CPU. */
import { type ComputeBackend, defineKernel, inout, output, type RunOptions, type TypedArray } from "@kiln-gpu/core";
import {
  exclusiveScan,
  exclusiveScanReference,
  fieldAdd,
  fieldAddSpirv,
  histogram,
  histogramReference,
  matrixProduct,
  matrixProductReference,
  saxpy,
  sum,
  sumReference,
} from "@kiln-gpu/kernels";
import { below, floatsOf, integersOf, wordsOf } from "./inputs.js";

export interface KernelRun {
  readonly name: string;
  /**
   * How often it is chosen. Some kernels take a software GPU seconds to compile, on each device; they get less there.
   */
  readonly weight: number;
  readonly softwareWeight: number;
  /** @returns Whether the result is right. */
  run(backend: ComputeBackend, length: number, options: RunOptions): Promise<boolean>;
}

/** `z[i] = 3 * x[i] + y[i]`. */
export const combine = defineKernel({
  label: "combine",
  wgsl: `@group(0) @binding(0) var<storage, read> x: array<u32>;
    @group(0) @binding(1) var<storage, read> y: array<u32>;
    @group(0) @binding(2) var<storage, read_write> z: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&z)) { z[id.x] = 3 * x[id.x] + y[id.x]; }
    }`,
});

/** `y[i] = factor * y[i] + i`; the result shows the order of two such steps. */
export const step = defineKernel({
  label: "step",
  wgsl: `@group(0) @binding(0) var<uniform> factor: u32;
    @group(0) @binding(1) var<storage, read_write> y: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&y)) { y[id.x] = factor * y[id.x] + id.x; }
    }`,
});

export const isCombined = (z: Uint32Array, x: Uint32Array, y: Uint32Array) =>
  isEach(z, x.length, (i) => (3 * x[i]! + y[i]!) >>> 0);

/** `y` after one step for each of `factors`. */
export function stepped(y: Uint32Array, factors: readonly number[]): Uint32Array {
  const result = y.slice();
  for (let i = 0; i < result.length; i += 1) {
    for (const factor of factors) result[i] = Math.imul(factor, result[i]!) + i;
  }
  return result;
}

function isEach(given: TypedArray, length: number, expected: (i: number) => number): boolean {
  if (given.length !== length) return false;
  for (let i = 0; i < length; i += 1) if (given[i] !== expected(i)) return false;
  return true;
}

export const isSame = (given: TypedArray, expected: TypedArray) => isEach(given, expected.length, (i) => expected[i]!);

export const combineRun: KernelRun = {
  name: "combine",
  weight: 4,
  softwareWeight: 400,
  async run(backend, length, options) {
    const [x, y] = [wordsOf(length), wordsOf(length)];
    const { z } = await backend.run(combine, { x, y, z: output(Uint32Array, length) }, options);
    return isCombined(z, x, y);
  },
};

const kernelRuns: readonly KernelRun[] = [
  combineRun,
  {
    name: "step",
    weight: 4,
    softwareWeight: 200,
    async run(backend, length, options) {
      const given = wordsOf(length);
      const factor = below(1000);
      const into = new Uint32Array(length);
      const { y } = await backend.run(step, { factor, y: inout(given, { into }) }, options);
      return y === into && isEach(y, length, (i) => (Math.imul(factor, given[i]!) + i) >>> 0);
    },
  },
  {
    name: "field-add",
    weight: 4,
    softwareWeight: 100,
    run: (backend, length, options) => runFieldAdd(fieldAdd, backend, length, options),
  },
  {
    name: "field-add-spirv",
    weight: 4,
    softwareWeight: 10,
    run: (backend, length, options) => runFieldAdd(fieldAddSpirv, backend, length, options),
  },
  {
    name: "saxpy",
    weight: 4,
    softwareWeight: 50,
    async run(backend, length, options) {
      const [x, given] = [integersOf(length), integersOf(length)];
      const alpha = below(16);
      const { y } = await backend.run(saxpy, { alpha, x, y: inout(given) }, options);
      return isEach(y, length, (i) => alpha * x[i]! + given[i]!);
    },
  },
  {
    name: "sum",
    weight: 2,
    softwareWeight: 1,
    async run(backend, length, options) {
      const values = integersOf(length);
      const results = await backend.run(sum, { values, sum: output(Float32Array, 1) }, options);
      return results.sum[0] === sumReference(values);
    },
  },
  {
    name: "exclusive-scan",
    weight: 2,
    softwareWeight: 0.3,
    async run(backend, length, options) {
      const values = wordsOf(length);
      const { prefixes } = await backend.run(exclusiveScan, { values, prefixes: output(Uint32Array, length) }, options);
      return isSame(prefixes, exclusiveScanReference(values));
    },
  },
  {
    name: "matrix-product",
    weight: 1,
    softwareWeight: 0,
    async run(backend, length, options) {
      const m = Math.min(Math.ceil(Math.sqrt(length)), 128);
      const dims = { m, k: m, n: m };
      const [a, b] = [integersOf(m * m), integersOf(m * m)];
      const { c } = await backend.run(matrixProduct, { dims, a, b, c: output(Float32Array, m * m) }, options);
      return isSame(c, matrixProductReference(a, b, dims));
    },
  },
  {
    name: "histogram",
    weight: 1,
    softwareWeight: 0,
    async run(backend, length, options) {
      const values = wordsOf(length).map((word) => word & 255);
      const { counts } = await backend.run(histogram, { values, counts: output(Uint32Array, 200) }, options);
      return isSame(counts, histogramReference(values, 200));
    },
  },
];

async function runFieldAdd(
  kernel: typeof fieldAdd,
  backend: ComputeBackend,
  length: number,
  options: RunOptions,
): Promise<boolean> {
  const [a, b] = [floatsOf(length), floatsOf(length)];
  const { c } = await backend.run(kernel, { a, b, c: output(Float32Array, length) }, options);
  return isEach(c, length, (i) => Math.fround(a[i]! + b[i]!));
}

/** Picks a random kernel run, by weight. */
export function anyKernelRun(isSoftware: boolean): KernelRun {
  const weightOf = (run: KernelRun) => (isSoftware ? run.softwareWeight : run.weight);
  let rest = Math.random() * kernelRuns.reduce((total, run) => total + weightOf(run), 0);
  for (const run of kernelRuns) {
    rest -= weightOf(run);
    if (rest < 0) return run;
  }
  return combineRun;
}
