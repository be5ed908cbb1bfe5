import { openPersistentBackend, output, softwareGpu } from "kiln-gpu";
import { scale } from "./scale.wgsl.js";

// Uses the GPU, or the CPU if there is no GPU.
const gpu = await openPersistentBackend({ fallback: softwareGpu });
try {
  const x = Float32Array.of(1, 2, 3);
  const { y } = await gpu.run(scale, { factor: 2, x, y: output(Float32Array, x.length) });
  console.log(`On ${gpu.device.name}:`, y);
} finally {
  await gpu.dispose();
}
