import type { SoftwareDriver } from "./software-gpu.js";

// <dlfcn.h> on Linux, the only system where this runs; `node:os` has them too, but a page's bundler would stumble over it.
const rtldNow = 0x2;
const rtldGlobal = 0x100;
/** The library stays although Node, finding no addon in it, gives it up. */
const rtldNoDelete = 0x1000;

/** Many times what it takes to load a driver. */
const longestLockMs = 2000;

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
 * Calls `work` while `driver`, if one is given, is the one that a new WebGPU instance finds; where the system has no Vulkan loader, the
 * driver's is loaded. `work` is synchronous, and the environment is as it was after it.
 */
export function withDriver<T>(driver: SoftwareDriver | undefined, work: () => T): T {
  if (!driver) return work();
  const release = lockEnvironment(driver.manifest);
  const before = driverVariables.map((name) => [name, process.env[name]] as const);
  try {
    for (const [name] of before) process.env[name] = driver.manifest;
    if (!hasVulkanLoader()) loadLibrary(driver.loader);
    return work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    release();
  }
}

/**
 * Keeps other threads of this process, which may share its environment, from changing it in between. They share no memory that this package
 * could find, so they meet in the file system; where that is not to be had, or nobody gives way, this goes on without.
 */
function lockEnvironment(manifest: string): () => void {
  const { mkdirSync, rmdirSync } = process.getBuiltinModule("node:fs");
  const path = `${manifest}.${process.pid}.lock`;
  const untilMs = performance.now() + longestLockMs;
  for (;;) {
    try {
      mkdirSync(path);
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") return () => undefined;
      // Left behind by a process that had the same number.
      if (performance.now() > untilMs) break;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  return () => {
    try {
      rmdirSync(path);
    } catch {
      // Whoever waited too long for it has removed it.
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
