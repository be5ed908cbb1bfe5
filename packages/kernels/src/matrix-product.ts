import { type ComputeBackend, ComputeError, defineKernel, type Kernel, type Output, output } from "@kiln-gpu/core";
import { decodeBase64 } from "./decode-base64.js";
import type { KernelRunOptions } from "./kernel-run-options.js";
import { matrixProductWgsl } from "./matrix-product-wgsl.js";
import { matrixProduct as spirv } from "./spirv.generated.js";

const large = { blockRows: 128, blockColumns: 128, blockInner: 16, threadRows: 8, threadColumns: 8 };
const small = { blockRows: 32, blockColumns: 32, blockInner: 16, threadRows: 4, threadColumns: 4 };
/** Fewer large blocks leave most processors of a large GPU idle; small ones reach more of them. */
const minLargeBlocks = 32;

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

/** `c = a * b`, by blocks that are held in registers, of a size that suits the product. */
export const matrixProduct = /* @__PURE__ */ defineMatrixProduct();

/** `c = a * b` from SPIR-V, by tiles of 16×16: one thread for each element of `c`. */
export const matrixProductSpirv = /* @__PURE__ */ defineKernel<MatrixProductBindings>({
  label: "matrix-product-spirv",
  spirv: decodeBase64(spirv),
  threads: ({ dims }) => [dims.n, dims.m],
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

function defineMatrixProduct(): Kernel<MatrixProductBindings> {
  return defineKernel<MatrixProductBindings>({
    label: "matrix-product",
    programs: {
      aligned: { wgsl: matrixProductWgsl({ ...large, isAligned: true }) },
      large: { wgsl: matrixProductWgsl({ ...large, isAligned: false }) },
      small: { wgsl: matrixProductWgsl({ ...small, isAligned: false }) },
    },
    passes({ dims: { m, k, n } }) {
      const gridOf = ({ blockRows, blockColumns }: typeof large) =>
        [Math.ceil(n / blockColumns), Math.ceil(m / blockRows)] as const;
      const [across, down] = gridOf(large);
      if (across * down < minLargeBlocks) return [{ program: "small", workgroups: gridOf(small) }];
      const isAligned = k % 4 === 0 && n % 4 === 0;
      return [{ program: isAligned ? "aligned" : "large", workgroups: [across, down] }];
    },
  });
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
