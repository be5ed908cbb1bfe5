import { version } from "../../node_modules/@tensorflow/tfjs-backend-webgpu/package.json";
import { installBrowserGpu } from "../browser-gpu.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { adapterName } = await installBrowserGpu();
  const tf = await import("@tensorflow/tfjs-core");
  await import("@tensorflow/tfjs-backend-webgpu");
  if (!(await tf.setBackend("webgpu"))) throw new Error("TensorFlow.js cannot open its WebGPU backend.");
  // By default it adds small tensors on the CPU, but this compares GPUs.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  /** @param {() => import("@tensorflow/tfjs-core").Tensor} compute */
  const resultOf = async (compute) => {
    const tensor = tf.tidy(compute);
    const data = await tensor.data();
    tensor.dispose();
    return data;
  };
  return {
    name: "TensorFlow.js",
    version,
    adapter: adapterName,
    add: (a, b) => resultOf(() => tf.add(tf.tensor1d(a), tf.tensor1d(b))),
    matmul: (a, b, n) => resultOf(() => tf.matMul(tf.tensor2d(a, [n, n]), tf.tensor2d(b, [n, n]))),
    close() {},
  };
}
