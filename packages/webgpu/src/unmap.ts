/** Unmaps a buffer whose contents no longer matter. The `unmap` of wgpu, in Deno and Firefox, throws on a lost device. */
export function unmap(buffer: GPUBuffer): void {
  try {
    buffer.unmap();
  } catch {
    // The mapping has ended with the device.
  }
}
