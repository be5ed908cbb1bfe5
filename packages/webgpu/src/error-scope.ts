/**
 * Runs `work` inside an error scope. Scopes are one stack for the whole device, so `work` is synchronous.
 * @returns What `work` returns, and `failure`: the first error of the device's in it, or null.
 */
export function inErrorScope<T>(
  device: GPUDevice,
  filter: GPUErrorFilter,
  work: () => T,
): { readonly value: T; readonly failure: Promise<GPUError | null> } {
  device.pushErrorScope(filter);
  let value: T;
  try {
    value = work();
  } catch (error) {
    device.popErrorScope().catch(() => null);
    throw error;
  }
  return { value, failure: device.popErrorScope() };
}
