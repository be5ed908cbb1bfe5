/**
 * The two kinds of work, on random inputs that are never zero, and the checks of their results.
 * @typedef {object} Problem
 * @property {(peer: import("./peer.mjs").Peer) => Promise<Float32Array>} solve
 * @property {(result: Float32Array) => void} check Throws if an element is wrong.
 */

/** @param {number} length */
const randomArray = (length) => Float32Array.from({ length }, () => 0.5 + Math.random());

/**
 * @param {"add" | "matmul"} workload
 * @param {number} size Elements of each array, or rows of each square matrix.
 * @returns {Problem}
 */
export function createProblem(workload, size) {
  return workload === "add" ? createAddition(size) : createProduct(size);
}

/** @param {number} length */
function createAddition(length) {
  const a = randomArray(length);
  const b = randomArray(length);
  const expected = a.map((value, i) => value + b[i]);
  return {
    solve: (peer) => peer.add(a, b),
    check(result) {
      checkLength(result, length);
      for (let i = 0; i < length; i += 1) {
        if (result[i] !== expected[i]) throw new Error(`It must return ${expected[i]} at [${i}]; got ${result[i]}.`);
      }
    },
  };
}

/**
 * Checks the product C of A and B in n² steps instead of n³, by C·r = A·(B·r) for a random vector r of 1 and -1:
 * Freivalds, "Probabilistic machines can use less running time", 1977. Each check misses a wrong row with a probability
 * of at most 1/2.
 * @param {number} n
 */
function createProduct(n) {
  const a = randomArray(n * n);
  const b = randomArray(n * n);
  const random = Float64Array.from({ length: n }, () => (Math.random() < 0.5 ? -1 : 1));
  const expected = multiply(a, multiply(b, random));
  // Sums of n terms near 1 in f32 stay within a tenth of this; results for other inputs, or zeros, are far outside.
  const tolerance = 1e-6 * n * n;
  return {
    solve: (peer) => peer.matmul(a, b, n),
    check(result) {
      checkLength(result, n * n);
      multiply(result, random).forEach((value, row) => {
        const difference = Math.abs(value - expected[row]);
        if (!(difference <= tolerance)) {
          throw new Error(`Row ${row} of its product may be off by ${tolerance} at most; got ${difference}.`);
        }
      });
    },
  };
}

/**
 * @param {Float32Array} matrix
 * @param {Float64Array} vector
 */
function multiply(matrix, vector) {
  const n = vector.length;
  return Float64Array.from({ length: n }, (_, row) => {
    let total = 0;
    for (let i = 0; i < n; i += 1) total += matrix[row * n + i] * vector[i];
    return total;
  });
}

/**
 * @param {Float32Array} result
 * @param {number} length
 */
function checkLength(result, length) {
  if (!(result instanceof Float32Array) || result.length !== length) {
    throw new Error(
      `It returns ${result?.constructor.name} of ${result?.length}; expected is Float32Array of ${length}.`,
    );
  }
}
