import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import type { Kernel } from "@kiln-gpu/core";
import { type MatrixProductBindings, matrixProductReference } from "@kiln-gpu/kernels";
import { checkResult } from "../check-result.js";
import type { Subject } from "./subject.js";

/**
 * Relative to an element, for rounding in another order than the reference. All terms are positive: nothing cancels.
 */
export const productTolerance = 1e-5;
/** Larger products are not computed on the host. */
export const maxReferenceLength = 256;

/** The product of two n×n matrices by each of the kernels, in the same order. */
export async function createProducts(
  backend: PersistentComputeBackend,
  kernels: readonly Kernel<MatrixProductBindings>[],
  n: number,
): Promise<{ readonly subjects: readonly Subject[] } & Disposable> {
  const [left, right] = [randomMatrix(n), randomMatrix(n)];
  const check = productCheck(left, right, n);
  const [a, b] = [await backend.array(left), await backend.array(right)];
  const c = await backend.array(Float32Array, n * n);
  return {
    subjects: kernels.map((kernel) => ({
      name: kernel.label,
      work: 2 * n ** 3,
      results: [c],
      record: (run) => run(kernel, { dims: { m: n, k: n, n }, a, b, c }),
      check: ([given]) => check(kernel.label, given!),
    })),
    [Symbol.dispose]() {
      for (const matrix of [a, b, c]) matrix.dispose();
    },
  };
}

function randomMatrix(n: number): Float32Array {
  const matrix = new Float32Array(n * n);
  for (let i = 0; i < matrix.length; i += 1) matrix[i] = 0.5 + Math.random();
  return matrix;
}

/**
 * Compares small products with the reference, element by element. Large ones are checked as by Freivalds (1977): with
 * random signs r, C·r equals A·(B·r) in every row, which takes n² steps instead of n³. The n roundings of a row add up
 * to a thousandth of an element at most, so this detects a single wrong element.
 */
export function productCheck(a: Float32Array, b: Float32Array, n: number): (name: string, c: Float32Array) => void {
  if (n <= maxReferenceLength) {
    const expected = matrixProductReference(a, b, { m: n, k: n, n });
    return (name, c) => checkResult(name, expected, c, productTolerance);
  }
  const signs = Float64Array.from({ length: n }, () => (Math.random() < 0.5 ? -1 : 1));
  const expected = timesVector(a, timesVector(b, signs));
  // An element is the sum of n products, which are 1 on average.
  const most = productTolerance * Math.sqrt(n) * n;
  return (name, c) => {
    for (const [row, sum] of timesVector(c, signs).entries()) {
      if (Math.abs(sum - expected[row]!) <= most) continue;
      throw new Error(
        `${name} is wrong in row ${row}: with random signs it adds up to ${sum}, not to ${expected[row]}.`,
      );
    }
  };
}

function timesVector(matrix: Float32Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  return Float64Array.from({ length: n }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < n; i += 1) sum += matrix[row * n + i]! * vector[i]!;
    return sum;
  });
}
