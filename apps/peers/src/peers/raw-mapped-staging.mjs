/** WebGPU by hand, everything created once: inputs go through a staging buffer that is mapped again after each call. */
import { version } from "../../node_modules/webgpu/package.json";
import { additionWgsl, workgroupsFor } from "../addition-wgsl.mjs";
import { openBrowserDevice } from "../browser-gpu.mjs";
import { keepSets } from "../kept-sets.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { device, adapterName } = await openBrowserDevice();
  const module = device.createShaderModule({ code: additionWgsl });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const withSet = keepSets((length) => {
    const size = length * 4;
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ, MAP_WRITE } = GPUBufferUsage;
    const staging = device.createBuffer({ size: size * 2, usage: MAP_WRITE | COPY_SRC, mappedAtCreation: true });
    const [a, b] = [0, 1].map(() => device.createBuffer({ size, usage: STORAGE | COPY_DST }));
    const c = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
    const result = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    const entries = [a, b, c].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return { size, staging, isMapped: Promise.resolve(), a, b, c, result, bindGroup };
  });
  return {
    name: "WebGPU by hand, mapped staging",
    version,
    adapter: adapterName,
    add: (left, right) =>
      withSet(left.length, async (set) => {
        const { size, staging, a, b, c, result, bindGroup } = set;
        await set.isMapped;
        const upload = new Float32Array(staging.getMappedRange());
        upload.set(left);
        upload.set(right, left.length);
        staging.unmap();
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(staging, 0, a, 0, size);
        encoder.copyBufferToBuffer(staging, size, b, 0, size);
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(workgroupsFor(left.length));
        pass.end();
        encoder.copyBufferToBuffer(c, 0, result, 0, size);
        device.queue.submit([encoder.finish()]);
        set.isMapped = staging.mapAsync(GPUMapMode.WRITE);
        await result.mapAsync(GPUMapMode.READ);
        const sum = new Float32Array(result.getMappedRange().slice(0));
        result.unmap();
        return sum;
      }),
    close: () => device.destroy(),
  };
}
