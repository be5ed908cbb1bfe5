import { ComputeError } from "@kiln-gpu/core";
import { bufferUsage, inErrorScope, type ScopedDevice } from "@kiln-gpu/webgpu";
import type { BufferRequest } from "./pooled-buffer.js";

/** What of a `GPUDevice` a buffer pool uses. */
export interface BufferDevice extends ScopedDevice {
  readonly limits: { readonly maxBufferSize: number };
  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer;
}

/** The buffers in order, or the error for which there was no memory. */
export type CreatedBuffers = { readonly buffers: readonly GPUBuffer[] } | { readonly outOfMemory: unknown };

/**
 * Creates a buffer for each of `specs`, or none at all. Buffers with `MAP_WRITE` are created mapped. Calls the device
 * before the first await.
 * @throws {ComputeError} `device-lost` if the device no longer answers; `device-failed` if it refuses for a reason
 *   other than memory.
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
      throw new ComputeError("device-lost", "The device is lost: whether it created the buffer is unknown.", {
        cause: scope.reason,
      });
    });
    // Without host memory for a mapped buffer `createBuffer` throws a RangeError, and the scopes report nothing.
    if (thrown instanceof RangeError || outOfMemory) return { outOfMemory: outOfMemory ?? thrown };
    if (thrown !== undefined || validation) {
      const reason = validation?.message ?? String(thrown);
      throw new ComputeError("device-failed", `WebGPU refuses to create a buffer: ${reason}`, {
        cause: thrown ?? validation,
      });
    }
    isKept = true;
    return { buffers };
  } finally {
    if (!isKept) for (const buffer of buffers) buffer.destroy();
  }
}
