import { ComputeError } from "@kiln-gpu/core";
import { bufferUsage, inErrorScope, type ScopedDevice } from "@kiln-gpu/webgpu";
import type { BufferRequest } from "./pooled-buffer.js";

/** What of a `GPUDevice` a buffer pool uses. */
export interface BufferDevice extends ScopedDevice {
  readonly limits: { readonly maxBufferSize: number };
  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer;
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
  const { value: inner, failure: invalid } = inErrorScope(device, "validation", () =>
    inErrorScope(device, "out-of-memory", () => {
      try {
        for (const { byteLength, usage } of specs) {
          const mappedAtCreation = (usage & bufferUsage.mapWrite) !== 0;
          buffers.push(device.createBuffer({ size: byteLength, usage, mappedAtCreation }));
        }
      } catch (error) {
        thrown = error;
      }
    }),
  );
  let isKept = false;
  try {
    const [outOfMemory, validation] = (await Promise.allSettled([inner.failure, invalid])).map((scope) => {
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
