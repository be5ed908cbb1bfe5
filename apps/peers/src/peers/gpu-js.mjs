import { version } from "../../node_modules/gpu.js/package.json";
import { installBrowserGpu } from "../browser-gpu.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { adapterName } = await installBrowserGpu();
  const { GPU, input } = (await import("gpu.js")).default;
  const gpu = new GPU({ mode: "webgpu" });
  /** @template Kernel @param {(n: number) => Kernel} create A kernel has a fixed output size. */
  const keep = (create) => {
    const kernels = new Map();
    return (/** @type {number} */ n) => {
      if (!kernels.has(n)) kernels.set(n, create(n));
      return kernels.get(n);
    };
  };
  const additions = keep((length) =>
    gpu
      .createKernel(function (a, b) {
        return a[this.thread.x] + b[this.thread.x];
      })
      .setOutput([length]),
  );
  const products = keep((n) =>
    gpu
      .createKernel(function (a, b) {
        let total = 0;
        for (let i = 0; i < this.constants.n; i++) total += a[this.thread.y][i] * b[i][this.thread.x];
        return total;
      })
      .setConstants({ n })
      .setOutput([n, n]),
  );
  return {
    name: "gpu.js",
    version,
    adapter: adapterName,
    add: (a, b) => additions(a.length)(a, b),
    async matmul(a, b, n) {
      const rows = await products(n)(input(a, [n, n]), input(b, [n, n]));
      // The rows are views of one array.
      return new Float32Array(rows[0].buffer);
    },
    close: () => gpu.destroy(),
  };
}
