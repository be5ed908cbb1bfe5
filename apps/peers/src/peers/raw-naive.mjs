/** WebGPU as in a first attempt: everything but the device is created in the call, and destroyed after it. */
import { version } from "../../node_modules/webgpu/package.json";
import { additionWgsl, workgroupsFor } from "../addition-wgsl.mjs";
import { openBrowserDevice } from "../browser-gpu.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { device, adapterName } = await openBrowserDevice();
  return {
    name: "WebGPU by hand, naive",
    version,
    adapter: adapterName,
    async add(left, right) {
      const size = left.byteLength;
      const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
      const module = device.createShaderModule({ code: additionWgsl });
      const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
      const [a, b] = [left, right].map((data) => {
        const buffer = device.createBuffer({ size, usage: STORAGE | COPY_DST });
        device.queue.writeBuffer(buffer, 0, data);
        return buffer;
      });
      const c = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
      const result = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
      const entries = [a, b, c].map((buffer, binding) => ({ binding, resource: { buffer } }));
      const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(workgroupsFor(left.length));
      pass.end();
      encoder.copyBufferToBuffer(c, 0, result, 0, size);
      device.queue.submit([encoder.finish()]);
      await result.mapAsync(GPUMapMode.READ);
      const sum = new Float32Array(result.getMappedRange().slice(0));
      for (const buffer of [a, b, c, result]) buffer.destroy();
      return sum;
    },
    close: () => device.destroy(),
  };
}
