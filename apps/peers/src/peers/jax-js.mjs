import { version } from "../../node_modules/@jax-js/jax/package.json";
import { installBrowserGpu } from "../browser-gpu.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { adapterName } = await installBrowserGpu();
  const { defaultDevice, init, numpy } = await import("@jax-js/jax");
  await init("webgpu");
  defaultDevice("webgpu");
  return {
    name: "jax-js",
    version,
    adapter: adapterName,
    // An operation consumes its arguments and `data` consumes its array, so nothing has to be disposed.
    add: (a, b) => numpy.array(a).add(numpy.array(b)).data(),
    matmul: (a, b, n) => numpy.matmul(numpy.array(a).reshape([n, n]), numpy.array(b).reshape([n, n])).data(),
    close() {},
  };
}
