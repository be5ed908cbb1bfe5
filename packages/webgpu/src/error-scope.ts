type ErrorFilter = "validation" | "out-of-memory" | "internal";

/** What of a `GPUDevice` an error scope uses. */
export interface ScopedDevice {
  pushErrorScope(filter: ErrorFilter): void;
  popErrorScope(): Promise<GPUError | null>;
}

/**
 * Runs `work` inside an error scope. A device has one stack of scopes, so `work` must be synchronous; scopes may nest.
 * @returns What `work` returns, and `failure`: the first error in the scope, or null; it rejects if the device is lost.
 */
export function inErrorScope<T>(
  device: ScopedDevice,
  filter: ErrorFilter,
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
