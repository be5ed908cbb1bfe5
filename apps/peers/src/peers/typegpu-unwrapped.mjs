/** TypeGPU for the shader and the bind group, its buffers unwrapped and moved by hand, in one submission. */
import { version } from "../../node_modules/typegpu/package.json";
import { workgroupsFor } from "../addition-wgsl.mjs";
import { installBrowserGpu } from "../browser-gpu.mjs";
import { keepSets } from "../kept-sets.mjs";
import { openTypegpuAddition } from "../typegpu-addition.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { adapterName } = await installBrowserGpu();
  const { root, createSet } = await openTypegpuAddition();
  const { device } = root;
  const withSet = keepSets((length) => {
    const size = length * 4;
    const { a, b, c, bound } = createSet(length);
    const result = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    return { size, a: root.unwrap(a), b: root.unwrap(b), c: root.unwrap(c), result, bound };
  });
  return {
    name: "TypeGPU, unwrapped buffers",
    version,
    adapter: adapterName,
    add: (left, right) =>
      withSet(left.length, async ({ size, a, b, c, result, bound }) => {
        device.queue.writeBuffer(a, 0, left);
        device.queue.writeBuffer(b, 0, right);
        const encoder = device.createCommandEncoder();
        bound.with(encoder).dispatchWorkgroups(workgroupsFor(left.length));
        encoder.copyBufferToBuffer(c, 0, result, 0, size);
        device.queue.submit([encoder.finish()]);
        await result.mapAsync(GPUMapMode.READ);
        const sum = new Float32Array(result.getMappedRange().slice(0));
        result.unmap();
        return sum;
      }),
    close: () => root.destroy(),
  };
}
