/** The addition in TypeGPU, compiled once, and its buffers for one length. Both TypeGPU peers share it. */
export async function openTypegpuAddition() {
  const { d, tgpu } = await import("typegpu");
  const root = await tgpu.init();
  /** @param {number} length */
  const floats = (length) => d.arrayOf(d.f32, length);
  const layout = tgpu.bindGroupLayout({
    a: { storage: floats },
    b: { storage: floats },
    c: { storage: floats, access: "mutable" },
  });
  const main = tgpu.computeFn({ in: { id: d.builtin.globalInvocationId }, workgroupSize: [256] })`{
    if (in.id.x < arrayLength(&layout.$.c)) { layout.$.c[in.id.x] = layout.$.a[in.id.x] + layout.$.b[in.id.x]; }
  }`.$uses({ layout });
  const pipeline = root.createComputePipeline({ compute: main });
  return {
    root,
    /** @param {number} length */
    createSet(length) {
      const [a, b, c] = [0, 1, 2].map(() => root.createBuffer(floats(length)).$usage("storage"));
      return { a, b, c, bound: pipeline.with(root.createBindGroup(layout, { a, b, c })) };
    },
  };
}
