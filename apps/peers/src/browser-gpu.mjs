/**
 * WebGPU as a page has it, for libraries that were written for pages: `navigator.gpu`, and the names of its classes.
 *
 * Invariant: the instance stays on the global object for the life of the process, for its collection would end the process; and as
 * it keeps Node alive, such a process has to exit by itself.
 */
import { create, globals } from "webgpu";

/** @returns {Promise<{ adapter: GPUAdapter, adapterName: string }>} The adapter that the libraries get as well. */
export async function installBrowserGpu() {
  Object.assign(globalThis, globals);
  const gpu = create([]);
  // Node 20 has no navigator, later ones have one without `gpu`; libraries look into `userAgent` for the browser that they work around.
  const navigator = { gpu, userAgent: "Node.js", hardwareConcurrency: 1 };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("WebGPU finds no adapter on this machine; --software brings one.");
  const { device, description } = adapter.info;
  return { adapter, adapterName: [device, description].filter(Boolean).join(", ") };
}

/** A device with the adapter's own limits for buffers, for the peers that take one. */
export async function openBrowserDevice() {
  const { adapter, adapterName } = await installBrowserGpu();
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  return { device, adapterName };
}
