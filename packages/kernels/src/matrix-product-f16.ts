import {
  type Bytes,
  bytes,
  type ComputeBackend,
  type DeviceInfo,
  defineKernel,
  type Kernel,
  type Output,
  output,
  type Pass,
  type Program,
  type ResidentArray,
  type RunOptions,
  temporary,
} from "@kiln-gpu/core";
import { checkArray } from "./check-arguments.js";
import { checkDims, checkMatrix, type MatrixDims, productPass, productPrograms } from "./matrix-product.js";
import { matrixSize, type SubgroupBlocks, subgroupProductWgsl, subgroupSize } from "./matrix-product-f16-wgsl.js";

/** An array of f16, as the bits of its elements where JavaScript has no `Float16Array`. */
export type HalfArray = Uint16Array | (ArrayBufferView & { readonly length: number; readonly BYTES_PER_ELEMENT: 2 });

/** Matrices are stored row by row, without padding. */
export type MatrixProductF16Bindings = {
  readonly dims: MatrixDims;
  /** m×k f16: `bytes` of a `Uint16Array` or a `Float16Array`, or a resident array of one. */
  readonly a: Bytes | ResidentArray;
  /** k×n f16. */
  readonly b: Bytes | ResidentArray;
  /** m×n f32. */
  readonly c: Output<Float32Array>;
};

/**
 * From the larger block to the smaller. On an H200 the larger multiplies matrices of 4096 at 205 TFLOP/s, the smaller
 * matrices of 1024 at 116.
 */
const blocks = {
  large: { blockRows: 128, blockColumns: 128, blockInner: 16, subgroupRows: 64, subgroupColumns: 64 },
  small: { blockRows: 64, blockColumns: 128, blockInner: 32, subgroupRows: 32, subgroupColumns: 64 },
} satisfies Record<string, SubgroupBlocks>;
/** One and a half for each processor of that device, which has 132. */
const minBlocks = 198;

const declareHalves = /* wgsl */ `
// Two f16 in each word.
@group(0) @binding(1) var<storage, read> halves: array<u32>;
`;

const unpackWgsl = /* wgsl */ `
${declareHalves}
@group(0) @binding(2) var<storage, read_write> floats: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&floats)) {
    floats[id.x] = unpack2x16float(halves[id.x / 2])[id.x % 2];
  }
}
`;

const declareDims = /* wgsl */ `
struct Dims {
  m: u32,
  k: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
// Even.
@group(0) @binding(3) var<uniform> paddedColumns: u32;
`;

const padWgsl = (rows: "m" | "k", columns: "k" | "n") => /* wgsl */ `
${declareDims}
${declareHalves}
@group(0) @binding(2) var<storage, read_write> padded: array<u32>;

fn half(row: u32, column: u32) -> u32 {
  var bits = 0u;
  if (row < dims.${rows} && column < dims.${columns}) {
    let i = row * dims.${columns} + column;
    bits = (halves[i / 2] >> (16 * (i % 2))) & 0xffff;
  }
  return bits;
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&padded)) {
    let row = 2 * id.x / paddedColumns;
    let column = 2 * id.x % paddedColumns;
    padded[id.x] = half(row, column) | (half(row, column + 1) << 16);
  }
}
`;

const cropWgsl = /* wgsl */ `
${declareDims}
@group(0) @binding(1) var<storage, read> padded: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&c)) {
    c[id.x] = padded[id.x / dims.n * paddedColumns + id.x % dims.n];
  }
}
`;

/** `c = a * b` of f16 matrices, with f32 sums, on any device: both are turned into f32 first. */
export const matrixProductF16: Kernel<MatrixProductF16Bindings> = /* @__PURE__ */ defineUnpacked();

/**
 * `matrixProductF16` by subgroup matrices, which tensor cores multiply. It needs a device for which
 * `hasSubgroupMatrices` is true. Matrices whose dimensions are not multiples of the blocks are padded first.
 */
export const matrixProductF16Subgroups: Kernel<MatrixProductF16Bindings> = /* @__PURE__ */ defineBySubgroups();

/** The faster of the two on `device`. */
export function matrixProductF16For(device: DeviceInfo): Kernel<MatrixProductF16Bindings> {
  return hasSubgroupMatrices(device) ? matrixProductF16Subgroups : matrixProductF16;
}

/** Whether `device` multiplies f16 matrices of 16×16 with f32 sums, in subgroups of 32 threads. */
export function hasSubgroupMatrices({
  features,
  subgroupMinSize,
  subgroupMaxSize,
  subgroupMatrices,
}: DeviceInfo): boolean {
  return (
    features.includes("shader-f16") &&
    subgroupMinSize === subgroupSize &&
    subgroupMaxSize === subgroupSize &&
    subgroupMatrices.some(
      ({ componentType, resultComponentType, M, N, K }) =>
        componentType === "f16" && resultComponentType === "f32" && [M, N, K].every((size) => size === matrixSize),
    )
  );
}

/**
 * Multiplies two row-major f16 matrices on the GPU; on tensor cores where the backend's device has subgroup matrices.
 * @param a m×k f16, as a `Float16Array` or as the bits in a `Uint16Array`.
 * @param b k×n f16.
 * @returns The m×n product, row by row, in f32: each element is within k · 2⁻²³ of the sum of its terms' magnitudes,
 *   relatively; zeros if k is 0, without a dispatch.
 * @throws {ComputeError} `invalid-binding` if a dimension is not a whole number or a matrix does not have the length
 *   that `dims` give; and whatever `ComputeBackend.run` throws.
 */
export async function runMatrixProductF16(
  backend: ComputeBackend,
  a: HalfArray,
  b: HalfArray,
  dims: MatrixDims,
  options: Pick<RunOptions, "signal" | "timeoutMs"> = {},
): Promise<Float32Array> {
  for (const [name, matrix] of [
    ["a", a],
    ["b", b],
  ] as const) {
    checkArray("runMatrixProductF16", name, matrix);
  }
  checkDims("runMatrixProductF16", dims);
  const { m, k, n } = dims;
  checkMatrix("runMatrixProductF16", "a", a, m, k);
  checkMatrix("runMatrixProductF16", "b", b, k, n);
  if (k === 0 || m === 0 || n === 0) return new Float32Array(m * n);
  const bindings = { dims: { m, k, n }, a: wholeWords(a), b: wholeWords(b), c: output(Float32Array, m * n) };
  const { c } = await backend.run(matrixProductF16For(backend.device), bindings, options);
  return c;
}

/** What `runMatrixProductF16` computes, on the CPU, with each element summed in float64. */
export function matrixProductF16Reference(a: Uint16Array, b: Uint16Array, { m, k, n }: MatrixDims): Float32Array {
  const [left, right] = [Float64Array.from(a, halfToNumber), Float64Array.from(b, halfToNumber)];
  const c = new Float32Array(m * n);
  for (let row = 0; row < m; row += 1) {
    for (let column = 0; column < n; column += 1) {
      let total = 0;
      for (let i = 0; i < k; i += 1) total += left[row * k + i]! * right[i * n + column]!;
      c[row * n + column] = total;
    }
  }
  return c;
}

/** The number that the 16 bits of an IEEE 754 binary16 stand for. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bytes of an array of f16; an odd one gets an element more, since a shader reads it by words of two. */
function wholeWords(array: HalfArray): Bytes {
  if (array.length % 2 === 0) return bytes(array);
  const padded = new Uint16Array(array.length + 1);
  padded.set(new Uint16Array(array.buffer, array.byteOffset, array.length));
  return bytes(padded);
}

function defineUnpacked(): Kernel<MatrixProductF16Bindings> {
  return defineKernel<MatrixProductF16Bindings>({
    label: "matrix-product-f16",
    programs: { unpack: { wgsl: unpackWgsl }, ...productPrograms() },
    temporaries: ({ dims: { m, k, n } }) => ({
      floatsOfA: temporary(Float32Array, m * k),
      floatsOfB: temporary(Float32Array, k * n),
    }),
    passes: ({ dims }) => [
      { program: "unpack", bindings: { halves: "a", floats: "floatsOfA" } },
      { program: "unpack", bindings: { halves: "b", floats: "floatsOfB" } },
      { ...productPass(dims), bindings: { a: "floatsOfA", b: "floatsOfB" } },
    ],
  });
}

function defineBySubgroups(): Kernel<MatrixProductF16Bindings> {
  const programs: Record<string, Program> = {
    "pad-a": { wgsl: padWgsl("m", "k") },
    "pad-b": { wgsl: padWgsl("k", "n") },
    crop: { wgsl: cropWgsl },
  };
  for (const [size, block] of Object.entries(blocks)) programs[size] = { wgsl: subgroupProductWgsl(block) };
  return defineKernel<MatrixProductF16Bindings>({
    label: "matrix-product-f16-subgroups",
    programs,
    temporaries({ dims }) {
      const { m, k, n } = dims;
      const { padded } = divide(dims);
      return {
        ...((padded.m > m || padded.k > k) && { paddedA: temporary(Uint32Array, (padded.m * padded.k) / 2) }),
        ...((padded.k > k || padded.n > n) && { paddedB: temporary(Uint32Array, (padded.k * padded.n) / 2) }),
        ...((padded.m > m || padded.n > n) && { paddedC: temporary(Float32Array, padded.m * padded.n) }),
      };
    },
    passes({ dims }) {
      const { m, k, n } = dims;
      const { size, padded } = divide(dims);
      const { blockRows, blockColumns } = blocks[size];
      const passes: Pass[] = [];
      const [padsA, padsB] = [padded.m > m || padded.k > k, padded.k > k || padded.n > n];
      const crops = padded.m > m || padded.n > n;
      if (padsA) {
        passes.push({ program: "pad-a", bindings: { halves: "a", padded: "paddedA", paddedColumns: padded.k } });
      }
      if (padsB) {
        passes.push({ program: "pad-b", bindings: { halves: "b", padded: "paddedB", paddedColumns: padded.n } });
      }
      passes.push({
        program: size,
        bindings: {
          ...((padsA || padsB) && { dims: padded }),
          ...(padsA && { a: "paddedA" }),
          ...(padsB && { b: "paddedB" }),
          ...(crops && { c: "paddedC" }),
        },
        workgroups: [padded.n / blockColumns, padded.m / blockRows],
      });
      if (crops) passes.push({ program: "crop", bindings: { padded: "paddedC", paddedColumns: padded.n } });
      return passes;
    },
  });
}

/** The blocks to use for a product, and its dimensions as multiples of them. */
function divide({ m, k, n }: MatrixDims): { readonly size: keyof typeof blocks; readonly padded: MatrixDims } {
  const { blockRows, blockColumns } = blocks.large;
  const size = Math.ceil(m / blockRows) * Math.ceil(n / blockColumns) >= minBlocks ? "large" : "small";
  const block = blocks[size];
  return {
    size,
    padded: {
      m: roundUp(m, block.blockRows),
      k: roundUp(k, 2 * block.blockInner),
      n: roundUp(n, block.blockColumns),
    },
  };
}

function roundUp(number: number, multiple: number): number {
  return Math.ceil(number / multiple) * multiple;
}
