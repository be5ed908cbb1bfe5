/** Modes of the persistent backend in which every promise must hold. */
import { openPersistentBackend, type PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { openDevice } from "@kiln-gpu/webgpu";
import type { OpenOptions, Suite } from "../support/suite.js";

/**
 * The suite of the persistent backend with `options`. These set bounds of their own, so `keepsResources` does not
 * apply.
 */
export function persistentSuite(mode: string, options: PersistentBackendOptions): Suite {
  return {
    name: "persistent",
    mode,
    open: (given) => openPersistentBackend({ store: false, ...options, ...given }),
    capabilities: { adoptsDevice: true, keepsResources: false },
    manyRuns: 300,
    isBrief: true,
  };
}

/** Opens a backend whose first device is already lost and replaced. */
export async function openRecovered(options: OpenOptions = {}) {
  const { device: given, adapter: _, fallback: __, software: ___, powerPreference: ____, ...bounds } = options;
  // A device that the caller owns is not replaced.
  if (given && typeof given !== "function") return openPersistentBackend({ store: false, ...options });
  let device: GPUDevice | undefined;
  const opener = async () => {
    device = given ? await given() : (await openDevice(options)).device;
    return device;
  };
  const backend = await openPersistentBackend({ store: false, ...bounds, device: opener });
  const lost = new Promise((resolve) => backend.on("lost", resolve));
  device!.destroy();
  await lost;
  return backend;
}
