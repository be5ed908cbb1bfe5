import { bufferUsage, mapMode } from "@kiln-gpu/webgpu";
import type { Burst } from "./burst.js";
import { type Reference, workgroupsOf } from "./reference.js";

/** All in one encoder, one pass and one submission: one copy from staging, one dispatch each, one copy to be mapped. */
export function createCoalesced({ device, pipeline }: Reference, length: number, count: number): Burst {
  const { storage, copySource, copyDestination, mapRead, mapWrite } = bufferUsage;
  const size = length * 4;
  const alignment = device.limits.minStorageBufferOffsetAlignment;
  const stride = Math.ceil(size / alignment) * alignment;
  const outByteLength = stride * count;
  const inByteLength = outByteLength * 2;
  const staging = device.createBuffer({ size: inByteLength, usage: mapWrite | copySource, mappedAtCreation: true });
  const inputs = device.createBuffer({ size: inByteLength, usage: storage | copyDestination });
  const outputs = device.createBuffer({ size: outByteLength, usage: storage | copySource | copyDestination });
  const results = device.createBuffer({ size: outByteLength, usage: mapRead | copyDestination });
  const bindGroups = Array.from({ length: count }, (_, i) =>
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: inputs, offset: stride * 2 * i, size } },
        { binding: 1, resource: { buffer: inputs, offset: stride * (2 * i + 1), size } },
        { binding: 2, resource: { buffer: outputs, offset: stride * i, size } },
      ],
    }),
  );
  const [x, y] = workgroupsOf(length);
  const elements = stride / 4;
  let mapped: Promise<undefined> = Promise.resolve(undefined);
  return {
    async addAll(additions) {
      await mapped;
      const staged = new Float32Array(staging.getMappedRange());
      for (let i = 0; i < count; i += 1) {
        staged.set(additions[i]!.a, elements * 2 * i);
        staged.set(additions[i]!.b, elements * (2 * i + 1));
      }
      device.pushErrorScope("validation");
      staging.unmap();
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(staging, 0, inputs, 0, inByteLength);
      encoder.clearBuffer(outputs);
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      for (let i = 0; i < count; i += 1) {
        pass.setBindGroup(0, bindGroups[i]!);
        pass.dispatchWorkgroups(x, y);
      }
      pass.end();
      encoder.copyBufferToBuffer(outputs, 0, results, 0, outByteLength);
      device.queue.submit([encoder.finish()]);
      const failure = device.popErrorScope();
      mapped = staging.mapAsync(mapMode.write);
      const [error] = await Promise.all([failure, results.mapAsync(mapMode.read)]);
      if (error) throw new Error(error.message);
      const sums = new Float32Array(results.getMappedRange());
      for (let i = 0; i < count; i += 1) {
        additions[i]!.c.set(sums.subarray(elements * i, elements * i + length));
      }
      results.unmap();
    },
  };
}
