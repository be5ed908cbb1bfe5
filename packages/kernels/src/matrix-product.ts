import {
  type ComputeBackend,
  ComputeError,
  defineKernel,
  type Kernel,
  type Output,
  output,
  type Pass,
  type Program,
  type Temporary,
  temporary,
} from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";
import { checkArray, checkObject, isFromSpirv } from "./check-arguments.js";
import { decodeBase64 } from "./decode-base64.js";
import type { KernelRunOptions } from "./kernel-run-options.js";
import { type MatrixLayout, matrixProductWgsl } from "./matrix-product-wgsl.js";
import { matrixProduct as spirv } from "./spirv.generated.js";

/**
 * From the largest block to the smallest. With enough of them to keep an H200 busy, they multiply at 40, 30 and 15
 * TFLOP/s: in products of 2048, 1024 and 512. Smaller products do better with smaller blocks, which reach more
 * processors.
 */
const blocks = {
  large: { blockRows: 128, blockColumns: 128, blockInner: 16, threadRows: 8, threadColumns: 8 },
  medium: { blockRows: 64, blockColumns: 64, blockInner: 16, threadRows: 8, threadColumns: 8 },
  small: { blockRows: 32, blockColumns: 32, blockInner: 32, threadRows: 4, threadColumns: 4 },
};
type BlockSize = keyof typeof blocks;
/** One and a half per processor of that device, which has 132. */
const minBlocks = 198;

/** The side of the squares that a workgroup transposes. */
const transposeSide = 32;

const transposeDown = 8;
const transposeSteps = Array.from({ length: transposeSide / transposeDown }, (_, i) => i * transposeDown);

/**
 * By squares in workgroup memory, with a column more, so that a column of one lies in all memory banks. The loops are
 * written out: an H200 moves 3,400 GB/s by this text.
 */
const transposeWgsl = /* wgsl */ `
struct Dims {
  m: u32,
  k: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read_write> transposed: array<f32>;

var<workgroup> square: array<array<f32, ${transposeSide + 1}>, ${transposeSide}>;

fn elementAt(row: u32, term: u32) -> f32 {
  return a[min(row, dims.m - 1) * dims.k + min(term, dims.k - 1)];
}

fn put(row: u32, term: u32, value: f32) {
  if (row < dims.m && term < dims.k) {
    transposed[term * dims.m + row] = value;
  }
}

@compute @workgroup_size(${transposeSide}, ${transposeDown})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let corner = workgroup.xy * ${transposeSide};
  ${transposeSteps.map((i) => `square[local.y + ${i}][local.x] = elementAt(corner.y + local.y + ${i}, corner.x + local.x);`).join("\n  ")}
  workgroupBarrier();
  ${transposeSteps.map((i) => `put(corner.y + local.x, corner.x + local.y + ${i}, square[local.x][local.y + ${i}]);`).join("\n  ")}
}
`;

const plainLayout: MatrixLayout = { isATransposed: false, isBTransposed: false, isBatched: false };
type ProductLayout = Omit<MatrixLayout, "isBatched"> & { readonly batches: number };

/** `a` is m×k, `b` is k×n and `c` is m×n. */
export type MatrixDims = {
  readonly m: number;
  readonly k: number;
  readonly n: number;
};

/** Matrices are stored row by row, without padding. */
export type MatrixProductBindings = {
  readonly dims: MatrixDims;
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly c: Output<Float32Array>;
};

export interface MatrixProductDefinition {
  readonly label: string;
  /**
   * Whether `a` is stored as k×m.
   * @default false
   */
  readonly isATransposed?: boolean;
  /**
   * Whether `b` is stored as n×k.
   * @default false
   */
  readonly isBTransposed?: boolean;
}

/**
 * `c = a * b`, by blocks held in registers; the size of the product chooses the size of the block. Before a large
 * product `a` is transposed: of a transposed matrix, vec4s go from storage to workgroup memory as they are. At 4096, an
 * H200 multiplies a transposed matrix at 47 TFLOP/s and others at 42; the transposition moves 128 MiB beside that.
 */
export const matrixProduct = /* @__PURE__ */ definePlainProduct();

/** `c = a * b` from SPIR-V, by tiles of 16×16, with one thread for each element of `c`. */
export const matrixProductSpirv = /* @__PURE__ */ defineKernel<MatrixProductBindings>({
  label: "matrix-product-spirv",
  spirv: decodeBase64(spirv),
  threads: ({ dims }) => [dims.n, dims.m],
});

/**
 * Multiplies two row-major matrices on the GPU.
 * @returns The m×n product, row by row, each element summed over k in order in f32; zeros if k is 0, without a
 *   dispatch.
 * @throws {ComputeError} `invalid-binding` if a dimension is not a whole number or a matrix does not have the length
 *   that `dims` give; and whatever `ComputeBackend.run` throws.
 */
export async function runMatrixProduct(
  backend: ComputeBackend,
  a: Float32Array,
  b: Float32Array,
  dims: MatrixDims,
  { from = "wgsl", ...options }: KernelRunOptions = {},
): Promise<Float32Array> {
  const isSpirv = isFromSpirv("runMatrixProduct", from, options);
  checkArray("runMatrixProduct", "a", a);
  checkArray("runMatrixProduct", "b", b);
  checkDims("runMatrixProduct", dims);
  const { m, k, n } = dims;
  checkMatrix("runMatrixProduct", "a", a, m, k);
  checkMatrix("runMatrixProduct", "b", b, k, n);
  // The sums have no terms and are 0; WebGPU cannot bind the empty inputs.
  if (k === 0) return new Float32Array(m * n);
  const kernel = isSpirv ? matrixProductSpirv : matrixProduct;
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

function definePlainProduct(): Kernel<MatrixProductBindings> {
  // At 2048 the text of a batch was 2% faster on an H200. Why is not known.
  const layout = { ...plainLayout, isATransposed: true, isBatched: true };
  return defineKernel<MatrixProductBindings>({
    label: "matrix-product",
    programs: {
      ...productPrograms(),
      transpose: { wgsl: transposeWgsl },
      "large-transposed": { wgsl: matrixProductWgsl({ ...blocks.large, isAligned: false }, layout) },
      "large-transposed-aligned": { wgsl: matrixProductWgsl({ ...blocks.large, isAligned: true }, layout) },
    },
    temporaries: ({ dims }): Record<string, Temporary> =>
      isTransposedFirst(dims) ? { transposed: temporary(Float32Array, dims.m * dims.k) } : {},
    passes({ dims }) {
      const { m, k, n } = dims;
      const pass = productPass(dims);
      if (!isTransposedFirst(dims)) return [pass];
      const program = m % 4 === 0 && n % 4 === 0 ? "large-transposed-aligned" : "large-transposed";
      return [
        { program: "transpose", workgroups: [Math.ceil(k / transposeSide), Math.ceil(m / transposeSide)] },
        { ...pass, program, bindings: { a: "transposed" } },
      ];
    },
  });
}

/** Whether each element of `a` is read often enough to pay for its transposition, and a dispatch can transpose it. */
function isTransposedFirst(dims: MatrixDims): boolean {
  const isLarge = productPass(dims).program.startsWith("large");
  return isLarge && dims.n >= 1024 && dims.k <= 65_535 * transposeSide;
}

/**
 * A kernel of one or several products `c = a * b`: as many as `c` has room for. The matrices of a batch follow each
 * other; a transposed one is stored as its transpose, row by row: `a` as k×m, `b` as n×k. Each element is summed over k
 * in order in f32.
 */
export function defineMatrixProduct({
  label,
  isATransposed = false,
  isBTransposed = false,
}: MatrixProductDefinition): Kernel<MatrixProductBindings> {
  const layout = { isATransposed, isBTransposed };
  return defineKernel<MatrixProductBindings>({
    label,
    programs: productPrograms({ ...layout, isBatched: true }),
    passes({ dims, a, b, c }) {
      const subject = `Kernel "${label}"`;
      const { m, k, n } = dims;
      const batches = c.length / (m * n);
      if (!Number.isInteger(batches)) {
        throw new ComputeError(
          "invalid-binding",
          `${subject}: "c" must have a multiple of ${m}×${n}, ${m * n} elements; got ${c.length}.`,
        );
      }
      checkMatrix(subject, "a", a, batches * m, k);
      checkMatrix(subject, "b", b, batches * k, n);
      return [productPass(dims, { ...layout, batches })];
    },
  });
}

/** The programs of `productPass`. */
export function productPrograms(layout: MatrixLayout = plainLayout): Record<string, Program> {
  const programs: Record<string, Program> = {};
  for (const [size, block] of Object.entries(blocks)) {
    programs[size] = { wgsl: matrixProductWgsl({ ...block, isAligned: false }, layout) };
    programs[`${size}-aligned`] = { wgsl: matrixProductWgsl({ ...block, isAligned: true }, layout) };
  }
  return programs;
}

/** The pass that multiplies `a` and `b`, by the largest blocks of which there are enough. */
export function productPass(
  { m, k, n }: MatrixDims,
  { isATransposed, isBTransposed, batches }: ProductLayout = { ...plainLayout, batches: 1 },
): Pass {
  const gridOf = (size: BlockSize) =>
    [Math.ceil(n / blocks[size].blockColumns), Math.ceil(m / blocks[size].blockRows)] as const;
  const sizes = Object.keys(blocks) as BlockSize[];
  const size = sizes.find((each) => gridOf(each)[0] * gridOf(each)[1] * batches >= minBlocks) ?? "small";
  // The length of a row of each matrix.
  const rows = [isATransposed ? m : k, isBTransposed ? k : n, n];
  const program = rows.every((length) => length % 4 === 0) ? `${size}-aligned` : size;
  return { program, workgroups: batches === 1 ? gridOf(size) : [...gridOf(size), batches] };
}

export function checkDims(subject: string, dims: MatrixDims): void {
  checkObject(subject, "dims", "m, k and n", dims);
  for (const name of ["m", "k", "n"] as const) checkDim(subject, name, dims[name]);
}

function checkDim(subject: string, name: string, dim: number): void {
  if (!Number.isSafeInteger(dim) || dim < 0) {
    throw new ComputeError(
      "invalid-binding",
      `${subject}: "${name}" must be a whole number, 0 or more; got ${describeValue(dim)}.`,
    );
  }
}

export function checkMatrix(
  subject: string,
  name: string,
  matrix: { readonly length: number },
  rows: number,
  columns: number,
): void {
  if (matrix.length !== rows * columns) {
    throw new ComputeError(
      "invalid-binding",
      `${subject}: "${name}" must have ${rows}×${columns}, ${rows * columns} elements; got ${matrix.length}.`,
    );
  }
}
