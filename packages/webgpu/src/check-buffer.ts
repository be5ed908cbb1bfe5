import { inErrorScope } from "./error-scope.js";
import { shaderStage } from "./gpu-flags.js";

/** Why a device cannot bind a buffer. */
export interface BufferRefusal {
  /** A part of a sentence about the buffer. */
  readonly reason: string;
  readonly cause: unknown;
}

/**
 * Asks `device` whether it can bind `buffer` as storage. A buffer does not say which device it belongs to, nor whether
 * it is destroyed, so this makes a bind group and submits commands that set it and do nothing.
 * @returns `undefined` if it can, or the device is lost.
 */
export async function refusalOfBuffer(device: GPUDevice, buffer: GPUBuffer): Promise<BufferRefusal | undefined> {
  try {
    const { value: bindGroup, failure: unbound } = inErrorScope(device, "validation", () => {
      const layout = device.createBindGroupLayout({
        entries: [{ binding: 0, visibility: shaderStage.compute, buffer: { type: "storage" } }],
      });
      return device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer, size: 4 } }] });
    });
    const { failure: unsubmitted } = inErrorScope(device, "validation", () => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setBindGroup(0, bindGroup);
      pass.end();
      device.queue.submit([encoder.finish()]);
    });
    const [foreign, unusable] = await Promise.all([unbound, unsubmitted].map((scope) => scope.catch(() => null)));
    if (foreign) return { reason: "belongs to another device, or is not valid", cause: foreign };
    if (unusable) return { reason: "is destroyed or mapped", cause: unusable };
    return undefined;
  } catch (cause) {
    return { reason: "is not a GPUBuffer of this WebGPU", cause };
  }
}
