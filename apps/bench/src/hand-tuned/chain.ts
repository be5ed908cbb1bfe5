import { bufferUsage, mapMode } from "@kiln-gpu/webgpu";
import type { Fields } from "../fields.js";
import { type Reference, workgroupsOf } from "./reference.js";

/** A fixed number of additions over arrays that stay on the device; each adds to the sum of the previous one. */
export interface Chain {
  /** Runs all of them in one pass and one submission; the sum stays on the device. */
  run(): Promise<void>;
  /** The last sum. */
  read(): Promise<Float32Array>;
  /** Overwrites all sums with zeros. */
  clear(): void;
}

/**
 * @param promises Whether to keep one of Kiln's: an error scope around each submission. Kiln clears no sum here either.
 */
export function createChain(
  { device, pipeline }: Reference,
  { a, b }: Fields,
  length: number,
  promises: boolean,
): Chain {
  const { storage, copySource, copyDestination, mapRead } = bufferUsage;
  const size = a.byteLength;
  const create = () => device.createBuffer({ size, usage: storage | copySource | copyDestination });
  const [first, step, even, odd] = [create(), create(), create(), create()];
  device.queue.writeBuffer(first, 0, a as Float32Array<ArrayBuffer>);
  device.queue.writeBuffer(step, 0, b as Float32Array<ArrayBuffer>);
  const readable = device.createBuffer({ size, usage: mapRead | copyDestination });
  const adding = (from: GPUBuffer, to: GPUBuffer) =>
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [from, step, to].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
  const start = adding(first, even);
  const [toOdd, toEven] = [adding(even, odd), adding(odd, even)];
  const [x, y] = workgroupsOf(a.length);
  return {
    async run() {
      if (promises) device.pushErrorScope("validation");
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, start);
      pass.dispatchWorkgroups(x, y);
      for (let i = 1; i < length; i += 1) {
        pass.setBindGroup(0, i % 2 === 1 ? toOdd : toEven);
        pass.dispatchWorkgroups(x, y);
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
      const failure = promises ? device.popErrorScope() : null;
      const [error] = await Promise.all([failure, device.queue.onSubmittedWorkDone()]);
      if (error) throw new Error(error.message);
    },
    async read() {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(length % 2 === 1 ? even : odd, 0, readable, 0, size);
      device.queue.submit([encoder.finish()]);
      await readable.mapAsync(mapMode.read);
      const sum = new Float32Array(readable.getMappedRange().slice(0));
      readable.unmap();
      return sum;
    },
    clear() {
      const encoder = device.createCommandEncoder();
      for (const sums of [even, odd]) encoder.clearBuffer(sums);
      device.queue.submit([encoder.finish()]);
    },
  };
}
