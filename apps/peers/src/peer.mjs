/**
 * What every file of `peers/` exports as `open`: one library, ready for the work. A new peer is a file there and its name here.
 * @typedef {object} Peer
 * @property {string} name As the tables print it.
 * @property {string} version
 * @property {string} adapter The GPU's name, or why it is not known.
 * @property {(a: Float32Array, b: Float32Array) => Promise<Float32Array>} add From host memory to host memory; calls may overlap.
 * @property {(a: Float32Array, b: Float32Array, n: number) => Promise<Float32Array>} [matmul] Of n×n matrices, row by row; where the
 *   library brings a matrix product or has a user write one as a loop.
 * @property {() => Promise<void> | void} close
 */

/** In the order of the tables. */
export const peerNames = [
  "kiln",
  "raw-write-buffer",
  "raw-mapped-staging",
  "raw-naive",
  "webgpu-utils",
  "typegpu",
  "typegpu-unwrapped",
  "gpu-js",
  "luma-gl",
  "jax-js",
  "tensorflow-js",
  "onnxruntime-node",
  "onnxruntime-web",
  "plain-loop",
];

/** The one that all others are compared with. */
export const kiln = "kiln";
