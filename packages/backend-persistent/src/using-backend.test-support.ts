import { expectNothingLive, software } from "@kiln-gpu/test-support";
import { openPersistentBackend, type PersistentBackendOptions, type PersistentComputeBackend } from "./index.js";

/**
 * Opens a backend without a store, on the software GPU or on `options.device`, and disposes it after `work`.
 * Expects that nothing is left.
 */
export async function usingBackend(
  work: (gpu: PersistentComputeBackend) => Promise<void>,
  options: PersistentBackendOptions = {},
): Promise<void> {
  const gpu = await openPersistentBackend({ ...(options.device ? {} : software), store: false, ...options });
  try {
    await work(gpu);
  } finally {
    await gpu.dispose();
    expectNothingLive(gpu);
  }
}
