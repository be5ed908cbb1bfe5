/** Uses the published types as a project with WGSL in its text does. */

import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { type Bytes, defineKernel, type Kernel, output, type ReadWrite } from "@kiln-gpu/core";
import { runSaxpy } from "@kiln-gpu/kernels";

type ImageBindings = {
  readonly size: { readonly width: number; readonly height: number } | Uint32Array | Bytes;
  readonly y: ReadWrite<Float32Array | Bytes>;
};

const image = defineKernel({
  label: "image",
  wgsl: `struct Size { width: u32, height: u32 }
    @group(0) @binding(0) var<uniform> size: Size;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < size.width && id.y < size.height) { y[id.x + id.y * size.width] = 1; }
    }`,
  threads: ({ size }) => [size.width, size.height],
});
export const stated: Kernel<ImageBindings> = defineKernel<ImageBindings>({
  ...image.programs.main!,
  label: "stated",
  threads: ({ size }) => [size.width, size.height],
});

export async function main(): Promise<number> {
  await using gpu = await openPersistentBackend();
  const x = new Float32Array(4);
  const size = { width: 2, height: 2 };
  const exact = await gpu.run(image, { size, y: output(Float32Array, 4) });
  const first: number | undefined = exact.y[0];
  const declared: ImageBindings = { size, y: output(Float32Array, 4) };
  const { y } = await gpu.run(stated, declared);
  // @ts-expect-error The shader has no doubles.
  await gpu.run(image, { size, y: output(Float64Array, 4) });
  // @ts-expect-error "size" is missing.
  await gpu.run(image, { y: output(Float32Array, 4) });
  using resident = await gpu.array(x);
  await gpu.run(image, { size, y: resident });
  const sum = await runSaxpy(gpu, 2, x, x);
  return (first ?? 0) + y.length + sum.length;
}
