/**
 * The same addition in WebGPU as an expert writes it for this one case: everything made once, nothing looked up, nothing pooled.
 * It is what Kiln's overhead is measured against, and uses none of it but the opened device.
 */
import { bufferUsage, mapMode, type OpenDevice } from "@kiln-gpu/webgpu";

const wgsl = /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&c)) { c[id.x] = a[id.x] + b[id.x]; }
}`;

export interface HandTunedOptions {
  /** `queue.writeBuffer`, or a copy from a staging buffer that is mapped again during the wait. */
  readonly upload: "queue" | "mapped";
  /** Keeps two of Kiln's promises: an error scope around each submission, and an output that starts as zeros. */
  readonly promises: boolean;
}

export interface HandTuned {
  readonly name: string;
  add(a: Float32Array, b: Float32Array): Promise<Float32Array>;
  destroy(): void;
}

export async function openHandTuned(
  { device }: OpenDevice,
  length: number,
  { upload, promises }: HandTunedOptions,
): Promise<HandTuned> {
  const { storage, copySource, copyDestination, mapRead, mapWrite } = bufferUsage;
  const size = length * 4;
  const module = device.createShaderModule({ code: wgsl });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  const [a, b, c] = [0, 1, 2].map(() =>
    device.createBuffer({ size, usage: storage | copySource | copyDestination }),
  ) as [GPUBuffer, GPUBuffer, GPUBuffer];
  const result = device.createBuffer({ size, usage: mapRead | copyDestination });
  const staging = device.createBuffer({ size: size * 2, usage: mapWrite | copySource, mappedAtCreation: true });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [a, b, c].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const workgroups = Math.ceil(length / 256);
  let mapped: Promise<undefined> = Promise.resolve(undefined);
  return {
    name: `${upload === "queue" ? "writeBuffer" : "mapped staging"}${promises ? "" : ", bare"}`,
    async add(left, right) {
      await mapped;
      if (promises) device.pushErrorScope("validation");
      const encoder = device.createCommandEncoder();
      if (upload === "queue") {
        device.queue.writeBuffer(a, 0, left as Float32Array<ArrayBuffer>);
        device.queue.writeBuffer(b, 0, right as Float32Array<ArrayBuffer>);
      } else {
        const view = new Float32Array(staging.getMappedRange());
        view.set(left);
        view.set(right, length);
        staging.unmap();
        encoder.copyBufferToBuffer(staging, 0, a, 0, size);
        encoder.copyBufferToBuffer(staging, size, b, 0, size);
      }
      if (promises) encoder.clearBuffer(c);
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(workgroups);
      pass.end();
      encoder.copyBufferToBuffer(c, 0, result, 0, size);
      device.queue.submit([encoder.finish()]);
      const failure = promises ? device.popErrorScope() : null;
      if (upload === "mapped") mapped = staging.mapAsync(mapMode.write);
      const [error] = await Promise.all([failure, result.mapAsync(mapMode.read)]);
      if (error) throw new Error(error.message);
      const sum = new Float32Array(result.getMappedRange().slice(0));
      result.unmap();
      return sum;
    },
    destroy() {
      for (const buffer of [a, b, c, result, staging]) buffer.destroy();
    },
  };
}
