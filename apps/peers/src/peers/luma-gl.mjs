import { version } from "../../node_modules/@luma.gl/webgpu/package.json";
import { additionWgsl, workgroupsFor } from "../addition-wgsl.mjs";
import { installBrowserGpu } from "../browser-gpu.mjs";
import { keepSets } from "../kept-sets.mjs";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const { adapterName } = await installBrowserGpu();
  const { Buffer, luma } = await import("@luma.gl/core");
  const { webgpuAdapter } = await import("@luma.gl/webgpu");
  const device = await luma.createDevice({ type: "webgpu", adapters: [webgpuAdapter], featureLevel: "max" });
  const shader = device.createShader({ stage: "compute", source: additionWgsl });
  const bindings = ["a", "b", "c"].map((name, location) => ({
    type: name === "c" ? "storage" : "read-only-storage",
    name,
    group: 0,
    location,
  }));
  const withSet = keepSets((length) => {
    const byteLength = length * 4;
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = Buffer;
    const [a, b] = [0, 1].map(() => device.createBuffer({ byteLength, usage: STORAGE | COPY_DST }));
    const c = device.createBuffer({ byteLength, usage: STORAGE | COPY_SRC });
    // `readAsync` of a buffer that cannot be mapped creates a mappable one for each call.
    const result = device.createBuffer({ byteLength, usage: MAP_READ | COPY_DST });
    // In luma.gl bindings belong to a pipeline, so each set has one; luma.gl caches the underlying objects.
    const pipeline = device.createComputePipeline({ shader, entryPoint: "main", shaderLayout: { bindings } });
    pipeline.setBindings({ a, b, c });
    return { byteLength, a, b, c, result, pipeline };
  });
  return {
    name: "luma.gl",
    version,
    adapter: adapterName,
    add: (left, right) =>
      withSet(left.length, async ({ byteLength, a, b, c, result, pipeline }) => {
        a.write(left);
        b.write(right);
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass({});
        pass.setPipeline(pipeline);
        pass.dispatch(workgroupsFor(left.length));
        pass.end();
        encoder.copyBufferToBuffer({ sourceBuffer: c, destinationBuffer: result, size: byteLength });
        device.submit(encoder.finish());
        return new Float32Array((await result.readAsync()).buffer);
      }),
    close: () => device.destroy(),
  };
}
