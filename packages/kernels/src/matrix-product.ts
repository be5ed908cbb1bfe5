import {
  type ComputeBackend,
  ComputeError,
  defineKernel,
  type Kernel,
  type Output,
  output,
  type Program,
} from "@kiln-gpu/core";
import { decodeBase64 } from "./decode-base64.js";
import type { KernelRunOptions } from "./kernel-run-options.js";
import { matrixProduct as spirv } from "./spirv.generated.js";

const wgsl = /* wgsl */ `
const tileSize = 16u;

struct Dims {
  m: u32,
  k: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

var<workgroup> tileA: array<array<f32, tileSize>, tileSize>;
var<workgroup> tileB: array<array<f32, tileSize>, tileSize>;

@compute @workgroup_size(tileSize, tileSize)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = id.y;
  let column = id.x;

  var total = 0.0;
  for (var begin = 0u; begin < dims.k; begin += tileSize) {
    // Beyond the edges the tiles hold zeros, and every thread stays for the barriers.
    let aColumn = begin + local.x;
    var aValue = 0.0;
    if (row < dims.m && aColumn < dims.k) {
      aValue = a[row * dims.k + aColumn];
    }
    tileA[local.y][local.x] = aValue;

    let bRow = begin + local.y;
    var bValue = 0.0;
    if (bRow < dims.k && column < dims.n) {
      bValue = b[bRow * dims.n + column];
    }
    tileB[local.y][local.x] = bValue;
    workgroupBarrier();

    for (var i = 0u; i < tileSize; i++) {
      total += tileA[local.y][i] * tileB[i][local.x];
    }
    workgroupBarrier();
  }
  if (row < dims.m && column < dims.n) {
    c[row * dims.n + column] = total;
  }
}
`;

/** `a` is m×k, `b` is k×n and `c` is m×n. */
export type MatrixDims = {
  readonly m: number;
  readonly k: number;
  readonly n: number;
};

/** Matrices lie row by row, without padding. */
export type MatrixProductBindings = {
  readonly dims: MatrixDims;
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly c: Output<Float32Array>;
};

/** `c = a * b`, by tiles of 16×16 in workgroup memory. */
export const matrixProduct = /* @__PURE__ */ defineMatrixProduct("matrix-product", { wgsl });

/** `matrixProduct`, from SPIR-V. */
export const matrixProductSpirv = /* @__PURE__ */ defineMatrixProduct("matrix-product-spirv", {
  spirv: decodeBase64(spirv),
});

/**
 * Multiplies two row-major matrices on the GPU.
 * @returns The m×n product, row by row, each element summed over k in order in f32; zeros where k is 0, without a dispatch.
 * @throws {ComputeError} `invalid-binding` when `dims` are not whole numbers or a matrix has not their length; what
 *   `ComputeBackend.run` throws.
 */
export async function runMatrixProduct(
  backend: ComputeBackend,
  a: Float32Array,
  b: Float32Array,
  { m, k, n }: MatrixDims,
  { from = "wgsl", ...options }: KernelRunOptions = {},
): Promise<Float32Array> {
  checkDim("m", m);
  checkDim("k", k);
  checkDim("n", n);
  checkMatrix("a", a, m, k);
  checkMatrix("b", b, k, n);
  // No terms to add, but a result all the same: WebGPU cannot bind the empty inputs.
  if (k === 0) return new Float32Array(m * n);
  const kernel = from === "spirv" ? matrixProductSpirv : matrixProduct;
  const bindings = { dims: { m, k, n }, a, b, c: output(Float32Array, m * n) };
  const { c } = await backend.run(kernel, bindings, options);
  return c;
}

/** What `runMatrixProduct` computes, on the CPU, with each element summed in float64. */
export function matrixProductReference(a: Float32Array, b: Float32Array, { m, k, n }: MatrixDims): Float32Array {
  const c = new Float32Array(m * n);
  for (let row = 0; row < m; row += 1) {
    for (let column = 0; column < n; column += 1) {
      let total = 0;
      for (let i = 0; i < k; i += 1) total += a[row * k + i]! * b[i * n + column]!;
      c[row * n + column] = total;
    }
  }
  return c;
}

function defineMatrixProduct(label: string, program: Program): Kernel<MatrixProductBindings> {
  return defineKernel<MatrixProductBindings>({ label, ...program, threads: ({ dims }) => [dims.n, dims.m] });
}

function checkDim(name: string, dim: number): void {
  if (!Number.isSafeInteger(dim) || dim < 0) {
    throw new ComputeError(
      "invalid-binding",
      `runMatrixProduct is given ${name} = ${dim}; a dimension is a whole number, 0 or more.`,
    );
  }
}

function checkMatrix(name: string, matrix: Float32Array, rows: number, columns: number): void {
  if (matrix.length !== rows * columns) {
    throw new ComputeError(
      "invalid-binding",
      `runMatrixProduct takes "${name}" as ${rows}×${columns}, ${rows * columns} elements; ${matrix.length} are given.`,
    );
  }
}
