import type { SoftwareDriver } from "./software-gpu.js";

// <dlfcn.h> on Linux, the only system where this runs; `node:os` has them too, but a page's bundler would stumble over it.
const rtldNow = 0x2;
const rtldGlobal = 0x100;
/** The library stays although Node, finding no addon in it, gives it up. */
const rtldNoDelete = 0x1000;

const driverVariables = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] as const;

/** Whether Vulkan can be there at all; without its loader WebGPU finds nothing, and says so on the terminal. */
export function hasVulkanLoader(): boolean {
  return process.platform !== "linux" || loadLibrary("libvulkan.so.1");
}

/** Whether the environment says which driver to use. */
export function namesDriver(): boolean {
  return driverVariables.some((name) => process.env[name]);
}

/**
 * Makes `driver` the one that the next WebGPU instance finds, and where the system has no Vulkan loader, loads the driver's.
 * @returns A function that gives the environment back as it was.
 */
export function loadDriver(driver: SoftwareDriver): () => void {
  const before = driverVariables.map((name) => [name, process.env[name]] as const);
  for (const [name] of before) process.env[name] = driver.manifest;
  if (!hasVulkanLoader()) loadLibrary(driver.loader);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

/** Loads a shared library that is no addon for the whole process, and says whether there is one. */
function loadLibrary(path: string): boolean {
  try {
    process.dlopen({ exports: {} }, path, rtldNow | rtldGlobal | rtldNoDelete);
    return true;
  } catch (error) {
    // Node always throws here, for the library registers no addon; by then it is loaded.
    return String(error).includes("self-register");
  }
}
