/** Kiln and TypeGPU work on each other's buffers, on TypeGPU's device. */
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { saxpy } from "@kiln-gpu/kernels";
import { d, tgpu } from "typegpu";
import { share } from "./share.mjs";

share(async () => {
  const root = await tgpu.init();
  const gpu = await openPersistentBackend({ device: root.device, store: false });
  const floats = d.arrayOf(d.f32, 4);
  const layout = tgpu.bindGroupLayout({ values: { storage: floats, access: "mutable" } });
  const main = tgpu.computeFn({ in: { id: d.builtin.globalInvocationId }, workgroupSize: [4] })`{
    layout.$.values[in.id.x] *= 2;
  }`.$uses({ layout });
  const pipeline = root.createComputePipeline({ compute: main });
  const double = (values) => pipeline.with(root.createBindGroup(layout, { values })).dispatchWorkgroups(1);

  const theirs = root.createBuffer(floats, [1, 2, 3, 4]).$usage("storage");
  const y = await gpu.adopt(root.unwrap(theirs), Float32Array);
  const x = await gpu.array(new Float32Array([1, 1, 1, 1]));
  return async () => {
    await Promise.all([
      gpu.run(saxpy, { alpha: 3, x, y }), // 4, 5, 6, 7
      y.use(() => double(theirs)), // 8, 10, 12, 14
      x.use((buffer) => double(root.createBuffer(floats, buffer).$usage("storage"))), // 2, 2, 2, 2
      gpu.run(saxpy, { alpha: 1, x, y }), // 10, 12, 14, 16
    ]);
    return async () => {
      const ours = await y.read();
      await gpu.dispose();
      // Kiln has not destroyed the buffer.
      return `${ours} | ${await theirs.read()}`;
    };
  };
});
