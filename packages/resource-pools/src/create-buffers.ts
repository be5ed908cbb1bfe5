import { ComputeError } from "@kiln-gpu/core";
import { bufferUsage } from "./buffer-usage.js";
import type { BufferRequest } from "./pooled-buffer.js";

/** What of a `GPUDevice` a buffer pool uses. */
export interface BufferDevice {
  readonly limits: { readonly maxBufferSize: number };
  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer;
  pushErrorScope(filter: GPUErrorFilter): void;
  popErrorScope(): Promise<GPUError | null>;
}

/** The buffers, in order; or why there was no memory for all of them. */
export type CreatedBuffers = { readonly buffers: readonly GPUBuffer[] } | { readonly outOfMemory: unknown };

/**
 * Creates all of `specs`, or none; those that the host writes are created mapped. Calls the device before the first await.
 * @throws {ComputeError} `device-lost` where the device no longer answers.
 */
export async function createBuffers(device: BufferDevice, specs: readonly BufferRequest[]): Promise<CreatedBuffers> {
  const buffers: GPUBuffer[] = [];
  let thrown: unknown;
  // Error scopes are one stack a device: pushed and popped with no await between.
  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  try {
    for (const { byteLength, usage } of specs) {
      const mappedAtCreation = (usage & bufferUsage.mapWrite) !== 0;
      buffers.push(device.createBuffer({ size: byteLength, usage, mappedAtCreation }));
    }
  } catch (error) {
    thrown = error;
  }
  const popped = Promise.allSettled([device.popErrorScope(), device.popErrorScope()]);
  let isKept = false;
  try {
    const [outOfMemory, validation] = (await popped).map((scope) => {
      if (scope.status === "fulfilled") return scope.value;
      throw new ComputeError("device-lost", "The device is lost; it no longer tells whether a buffer was created.", {
        cause: scope.reason,
      });
    });
    // Where no host memory is left for a mapped buffer, `createBuffer` throws and the scopes stay empty.
    if (thrown instanceof RangeError || outOfMemory) return { outOfMemory: outOfMemory ?? thrown };
    if (thrown !== undefined || validation) {
      const said = validation?.message ?? String(thrown);
      throw new ComputeError("device-failed", `WebGPU refuses to create a buffer: ${said}`, {
        cause: thrown ?? validation,
      });
    }
    isKept = true;
    return { buffers };
  } finally {
    if (!isKept) for (const buffer of buffers) buffer.destroy();
  }
}
