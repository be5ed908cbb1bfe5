/** Ways to run a persistent backend under which every promise holds all the same. */
import { openPersistentBackend, type PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { openDevice } from "@kiln-gpu/webgpu";
import type { OpenOptions, Suite } from "../support/suite.js";

/** The persistent backend's suite, under `options`. Its scripts know of no options, and its bounds are not always the suite's. */
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

/** Opens a backend that has lost its first device before it is given to anyone. */
export async function openRecovered(options: OpenOptions = {}) {
  const { device: given, adapter: _, fallback: __, software: ___, powerPreference: ____, ...bounds } = options;
  // What the caller's own device loses is lost.
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
