/**
 * The addition in WebGPU as an expert writes it for this one case: everything made once, nothing looked up, nothing pooled. It is
 * what Kiln's overhead is measured against, and uses none of it but the opened device. Here stands what all ways of bringing the
 * bytes in and out share; each way has a file of its own.
 */
import { bufferUsage, mapMode } from "@kiln-gpu/webgpu";
import { type Reference, workgroupsOf } from "./reference.js";

/** One way of adding two arrays of a fixed length. */
export interface HandTuned {
  readonly name: string;
  /** @returns `into`, or a new array where none is given. */
  add(a: Float32Array, b: Float32Array, into?: Float32Array): Promise<Float32Array>;
}

export interface Addition {
  readonly a: GPUBuffer;
  readonly b: GPUBuffer;
  begin(): GPUCommandEncoder;
  /** Adds what was brought into `a` and `b`. @returns What the device says against it. */
  submit(encoder: GPUCommandEncoder): Promise<GPUError | null> | null;
  /** The sum in mapped memory, until `unmap`. */
  map(failure: Promise<GPUError | null> | null): Promise<Float32Array<ArrayBuffer>>;
  unmap(): void;
}

/** @param promises Keeps two of Kiln's: an error scope around each submission, and an output that starts as zeros. */
export function createAddition({ device, pipeline }: Reference, length: number, promises: boolean): Addition {
  const { storage, copySource, copyDestination, mapRead } = bufferUsage;
  const size = length * 4;
  const [a, b, c] = [0, 1, 2].map(() =>
    device.createBuffer({ size, usage: storage | copySource | copyDestination }),
  ) as [GPUBuffer, GPUBuffer, GPUBuffer];
  const result = device.createBuffer({ size, usage: mapRead | copyDestination });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [a, b, c].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const [x, y] = workgroupsOf(length);
  return {
    a,
    b,
    begin() {
      if (promises) device.pushErrorScope("validation");
      return device.createCommandEncoder();
    },
    submit(encoder) {
      if (promises) encoder.clearBuffer(c);
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y);
      pass.end();
      encoder.copyBufferToBuffer(c, 0, result, 0, size);
      device.queue.submit([encoder.finish()]);
      return promises ? device.popErrorScope() : null;
    },
    async map(failure) {
      const [error] = await Promise.all([failure, result.mapAsync(mapMode.read)]);
      if (error) throw new Error(error.message);
      return new Float32Array(result.getMappedRange());
    },
    unmap() {
      result.unmap();
    },
  };
}

/** Copies the sum out of mapped memory. */
export async function copyOut(
  addition: Addition,
  failure: Promise<GPUError | null> | null,
  into: Float32Array | undefined,
): Promise<Float32Array> {
  const mapped = await addition.map(failure);
  if (into) into.set(mapped);
  // A buffer's slice is not filled with zeros first, as a new array would be.
  const sum = into ?? new Float32Array(mapped.buffer.slice(0));
  addition.unmap();
  return sum;
}
