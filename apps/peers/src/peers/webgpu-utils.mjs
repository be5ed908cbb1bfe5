/**
 * webgpu-utils reads layouts from WGSL and makes typed views. Its users manage buffers themselves; here they are kept.
 */
import { version } from "../../node_modules/webgpu-utils/package.json";
import { additionWgsl, workgroupsFor } from "../addition-wgsl.mjs";
import { openBrowserDevice } from "../browser-gpu.mjs";
import { keepSets } from "../kept-sets.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { device, adapterName } = await openBrowserDevice();
  // At import it lists the typed arrays; Node before 24 lacks Float16Array, which is not used here.
  globalThis.Float16Array ??= class Float16Array extends Uint16Array {};
  const { makeBindGroupLayoutDescriptors, makeShaderDataDefinitions, makeStructuredView } = await import(
    "webgpu-utils"
  );
  const definitions = makeShaderDataDefinitions(additionWgsl);
  const compute = { module: device.createShaderModule({ code: additionWgsl }), entryPoint: "main" };
  const descriptors = makeBindGroupLayoutDescriptors(definitions, { compute });
  const bindGroupLayouts = descriptors.map((descriptor) => device.createBindGroupLayout(descriptor));
  const layout = device.createPipelineLayout({ bindGroupLayouts });
  const pipeline = device.createComputePipeline({ layout, compute });
  const withSet = keepSets((length) => {
    const size = length * 4;
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const { storages } = definitions;
    const views = [storages.a, storages.b].map((of) => makeStructuredView(of, new ArrayBuffer(size)));
    const [a, b] = views.map(() => device.createBuffer({ size, usage: STORAGE | COPY_DST }));
    const c = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
    const result = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    const entries = [a, b, c].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const bindGroup = device.createBindGroup({ layout: bindGroupLayouts[0], entries });
    return { size, views, a, b, c, result, bindGroup };
  });
  return {
    name: "webgpu-utils",
    version,
    adapter: adapterName,
    add: (left, right) =>
      withSet(left.length, async ({ size, views, a, b, c, result, bindGroup }) => {
        views[0].set(left);
        views[1].set(right);
        device.queue.writeBuffer(a, 0, views[0].arrayBuffer);
        device.queue.writeBuffer(b, 0, views[1].arrayBuffer);
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
        result.unmap();
        return sum;
      }),
    close: () => device.destroy(),
  };
}
