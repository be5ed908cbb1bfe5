/**
 * The WebGPU of a page, for libraries that were written for pages: `navigator.gpu`, and the names of its classes.
 *
 * Invariant: the instance stays on the global object for the life of the process, because its collection would abort
 * the process. It keeps Node alive, so such a process has to call `process.exit`.
 */
import { create, globals } from "webgpu";

/** @returns {Promise<{ adapter: GPUAdapter, adapterName: string }>} The same adapter that the libraries get. */
export async function installBrowserGpu() {
  Object.assign(globalThis, globals);
  const gpu = create([]);
  // Node 20 has no `navigator`; later versions have one without `gpu`. Libraries look in `userAgent` for browsers with
  // bugs.
  const navigator = { gpu, userAgent: "Node.js", hardwareConcurrency: 1 };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("WebGPU finds no adapter on this machine; use --software.");
  const { device, description } = adapter.info;
  return { adapter, adapterName: [device, description].filter(Boolean).join(", ") };
}

/** A device with the adapter's own limits for buffers, for peers that accept a device. */
export async function openBrowserDevice() {
  const { adapter, adapterName } = await installBrowserGpu();
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  return { device, adapterName };
}
