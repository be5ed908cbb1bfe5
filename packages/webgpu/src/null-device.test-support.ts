import { create } from "webgpu";

/**
 * WebGPU over Dawn's null backend, which needs no driver: it validates, compiles and reports errors like any other, and
 * computes nothing. It is kept as long as the process, since npm webgpu ends the process if a device outlives it.
 */
export const nullGpu: GPU = create(["backend=null"]);

export async function openNullDevice(descriptor?: GPUDeviceDescriptor): Promise<GPUDevice> {
  const adapter = await nullGpu.requestAdapter();
  return await adapter!.requestDevice(descriptor);
}
