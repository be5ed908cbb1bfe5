// node leak.mjs raw|kiln|open N
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { defineKernel, output } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { openDevice } from "@kiln-gpu/webgpu";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");
const [mode, N] = [process.argv[2], Number(process.argv[3])];
const wgsl = `@group(0) @binding(0) var<storage, read_write> z: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { if (id.x < arrayLength(&z)) { z[id.x] = id.x; } }`;
const kernel = defineKernel({ label: "k", wgsl });
const alive = new Map();
const reg = new FinalizationRegistry((n) => alive.set(n, alive.get(n) - 1));
const watch = (n, o) => {
  alive.set(n, (alive.get(n) ?? 0) + 1);
  reg.register(o, n);
};
const open = async () => {
  const { device } = await openDevice({ fallback: softwareGpu, software: true });
  watch("device", device);
  return device;
};
const size = Number(process.argv[4] ?? 4096);
async function raw() {
  const device = await open();
  if (mode !== "open") {
    const module = device.createShaderModule({ code: wgsl });
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
    const b = device.createBuffer({ size, usage: 128 | 4 });
    const r = device.createBuffer({ size, usage: 1 | 8 });
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: b } }],
    });
    const e = device.createCommandEncoder();
    const p = e.beginComputePass();
    p.setPipeline(pipeline);
    p.setBindGroup(0, group);
    p.dispatchWorkgroups(Math.ceil(size / 256));
    p.end();
    e.copyBufferToBuffer(b, 0, r, 0, size);
    device.queue.submit([e.finish()]);
    await r.mapAsync(1);
    if (new Uint32Array(r.getMappedRange())[9] !== 9) throw 1;
    r.unmap();
  }
  device.destroy();
  await device.lost;
}
let backend, latest;
if (mode === "kiln")
  backend = await openPersistentBackend({ store: false, device: async () => (latest = await open()) });
async function kiln() {
  const { z } = await backend.run(kernel, { z: output(Uint32Array, size / 4) });
  if (z[9] !== 9) throw 1;
  const lost = new Promise((r) => {
    const f = backend.on("recovered", () => {
      f();
      r();
    });
  });
  latest.destroy();
  await lost;
}
for (let i = 0; i <= N; i++) {
  if (i % (N / 10) === 0) {
    gc();
    await new Promise((r) => setTimeout(r, 50));
    gc();
    await new Promise((r) => setTimeout(r, 50));
    const m = process.memoryUsage();
    console.log(
      mode,
      i,
      "rss",
      (m.rss / 2 ** 20).toFixed(1),
      "heap",
      (m.heapUsed / 2 ** 20).toFixed(2),
      "ext",
      (m.external / 2 ** 20).toFixed(2),
      JSON.stringify([...alive]),
    );
  }
  await (mode === "kiln" ? kiln() : raw());
}
await backend?.dispose();
