import { version } from "../../node_modules/onnxruntime-web/package.json";
import { installBrowserGpu } from "../browser-gpu.mjs";
import { onnxModel } from "../onnx-model.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { adapterName } = await installBrowserGpu();
  copySharedUploads();
  const { env, InferenceSession, Tensor } = await import("onnxruntime-web/webgpu");
  env.wasm.numThreads = 1;
  // Otherwise operations that WebGPU lacks would silently run on the CPU.
  const options = { executionProviders: ["webgpu"], extra: { session: { disable_cpu_ep_fallback: "1" } } };
  const addition = await InferenceSession.create(onnxModel("Add", ["n"]), options);
  const product = await InferenceSession.create(onnxModel("MatMul", ["n", "n"]), options);
  let last = Promise.resolve();
  const run = (session, a, b, shape) => {
    // It refuses a run during another one.
    const current = last.then(() =>
      session.run({ a: new Tensor("float32", a, shape), b: new Tensor("float32", b, shape) }),
    );
    last = current.then(() => {});
    return current.then(({ c }) => c.data);
  };
  return {
    name: "ONNX Runtime, web",
    version,
    adapter: adapterName,
    add: (a, b) => run(addition, a, b, [a.length]),
    matmul: (a, b, n) => run(product, a, b, [n, n]),
    async close() {
      await addition.release();
      await product.release();
    },
  };
}

/** Its memory is a SharedArrayBuffer: browsers' `writeBuffer` accepts that, npm `webgpu` refuses it. */
function copySharedUploads() {
  const { writeBuffer } = GPUQueue.prototype;
  GPUQueue.prototype.writeBuffer = function (buffer, offset, data, ...range) {
    const isShared = data.buffer instanceof SharedArrayBuffer;
    return writeBuffer.call(this, buffer, offset, isShared ? data.slice() : data, ...range);
  };
}
