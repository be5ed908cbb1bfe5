/** TypeGPU as in its guide: typed `write` and `read`, whose result is a plain array of numbers. */
import { version } from "../../node_modules/typegpu/package.json";
import { workgroupsFor } from "../addition-wgsl.mjs";
import { installBrowserGpu } from "../browser-gpu.mjs";
import { keepSets } from "../kept-sets.mjs";
import { openTypegpuAddition } from "../typegpu-addition.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { adapterName } = await installBrowserGpu();
  const { root, createSet } = await openTypegpuAddition();
  const withSet = keepSets(createSet);
  return {
    name: "TypeGPU, read()",
    version,
    adapter: adapterName,
    add: (left, right) =>
      withSet(left.length, async ({ a, b, c, bound }) => {
        a.write(left);
        b.write(right);
        bound.dispatchWorkgroups(workgroupsFor(left.length));
        return Float32Array.from(await c.read());
      }),
    close: () => root.destroy(),
  };
}
