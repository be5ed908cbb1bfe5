/**
 * The addition in WebGPU as an expert writes it for this one case: everything is created once, nothing is looked up,
 * nothing pooled. Kiln's overhead is measured against it, and it uses nothing of Kiln but the opened device. This file
 * is the common part of all ways to bring the bytes in and out; each way has its own file.
 */
import { bufferUsage, mapMode } from "@kiln-gpu/webgpu";
import { type Reference, workgroupsOf } from "./reference.js";

/** One way to add two arrays of a fixed length. */
export interface HandTuned {
  readonly name: string;
  /** @returns `into` if given, otherwise a new array. */
  add(a: Float32Array, b: Float32Array, into?: Float32Array): Promise<Float32Array>;
}

export interface Addition {
  readonly a: GPUBuffer;
  readonly b: GPUBuffer;
  begin(): GPUCommandEncoder;
  /** Adds the contents of `a` and `b`. @returns The error of the device, if any. */
  submit(encoder: GPUCommandEncoder): Promise<GPUError | null> | null;
  /** The sum in mapped memory; valid until `unmap`. */
  map(failure: Promise<GPUError | null> | null): Promise<Float32Array<ArrayBuffer>>;
  unmap(): void;
}

/** @param promises Whether to keep two of Kiln's: an error scope around each submission, and a zeroed output. */
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
  // Unlike a new array, the slice of a buffer is not filled with zeros first.
  const sum = into ?? new Float32Array(mapped.buffer.slice(0));
  addition.unmap();
  return sum;
}
