/** ONNX Runtime's native build, which contains its own Dawn. */
import { version } from "../../node_modules/onnxruntime-node/package.json";
import { onnxModel } from "../onnx-model.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { InferenceSession, Tensor } = (await import("onnxruntime-node")).default;
  // Otherwise operations that WebGPU lacks would silently run on the CPU.
  const options = { executionProviders: ["webgpu"], extra: { session: { disable_cpu_ep_fallback: "1" } } };
  const addition = await InferenceSession.create(onnxModel("Add", ["n"]), options);
  const product = await InferenceSession.create(onnxModel("MatMul", ["n", "n"]), options);
  const run = async (session, a, b, shape) => {
    const { c } = await session.run({ a: new Tensor("float32", a, shape), b: new Tensor("float32", b, shape) });
    return c.data;
  };
  return {
    name: "ONNX Runtime, Node",
    version,
    adapter: "not told",
    add: (a, b) => run(addition, a, b, [a.length]),
    matmul: (a, b, n) => run(product, a, b, [n, n]),
    async close() {
      await addition.release();
      await product.release();
    },
  };
}
