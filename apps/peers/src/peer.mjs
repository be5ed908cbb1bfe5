/**
 * Every file of `peers/` exports `open`, which resolves with a library that is ready for the work. To add a peer, add a
 * file there and its name here.
 * @typedef {object} Peer
 * @property {string} name Its name in the tables.
 * @property {string} version
 * @property {string} adapter The name of the GPU, or why it is unknown.
 * @property {(a: Float32Array, b: Float32Array) => Promise<Float32Array>} add From host memory to host memory; calls
 *   may overlap.
 * @property {(a: Float32Array, b: Float32Array, n: number) => Promise<Float32Array>} [matmul] Multiplies n×n
 *   matrices, row by row. Present if the library has a matrix product, or if its users write one as a loop.
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

/** The peer that all others are compared with. */
export const kiln = "kiln";
