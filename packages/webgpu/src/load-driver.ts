/**
 * Decides which Vulkan driver a new WebGPU instance finds in Node on Linux.
 *
 * Dawn asks for "libvulkan.so.1", and the dynamic linker answers with the first library in the process that has this
 * name. That library serves every thread, until the process exits. It is either a Vulkan loader, which finds drivers by
 * the environment and by files, or a software driver in its place, which finds only itself.
 *
 * `process` is taken from `globalThis`: where code names it alone, Parcel installs a stand-in in the project of a page.
 *
 * Invariant: a software driver is never loaded behind a loader, and a GPU is never looked for behind a software driver.
 */
import { ComputeError } from "@kiln-gpu/core";
import { loadLibrary } from "./load-library.js";
import type { SoftwareDriver, SoftwareGpu } from "./software-gpu.js";
import { withEnvironment } from "./with-environment.js";

/** The name by which Dawn asks for Vulkan. */
const loaderName = "libvulkan.so.1";

const driverVariables = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"] as const;

/**
 * Beginnings of the names that drivers of GPUs give to their devices in /dev. A GPU under /dev/dri has a file
 * "renderD128" or higher.
 */
const gpuDevice = /^(dxg|kgsl|mali|nvgpu|nvhost|nvidia|nvmap|pvr)/;

/**
 * Whether this machine may have a GPU. On Linux a GPU has a device file; where there is none, Vulkan finds at most
 * drivers that compute on the CPU. A driver that the environment names counts as a GPU, so that it is looked for.
 */
export function mayHaveGpu(): boolean {
  if (globalThis.process.platform !== "linux" || driverVariables.some((name) => globalThis.process.env[name]))
    return true;
  const { readdirSync } = globalThis.process.getBuiltinModule("node:fs");
  try {
    const names = readdirSync("/dev");
    if (names.some((name) => gpuDevice.test(name))) return true;
    return names.includes("dri") && readdirSync("/dev/dri").some((name) => name.startsWith("renderD"));
  } catch {
    return true;
  }
}

/** Whether Vulkan can be used at all. Without its loader WebGPU finds nothing, and prints a warning. */
export function loadVulkan(): boolean {
  return globalThis.process.platform !== "linux" || loadLibrary(loaderName) === undefined;
}

/**
 * Loads a Vulkan loader that can choose among GPUs, if the process has none yet: the one that a software GPU brings is
 * recent enough. Without one this takes the system's loader.
 * @returns Whether Vulkan can be used at all.
 */
export async function loadChoosingVulkan(fallback: SoftwareGpu | undefined): Promise<boolean> {
  if (libraryInPlace() === undefined && fallback) {
    // The software GPU may not exist for this platform.
    const driver = await fallback.locate().catch(() => undefined);
    if (driver && loadLibrary(driver.loader) === undefined) return true;
  }
  return loadVulkan();
}

/** The path of the library that answers to "libvulkan.so.1" in this process. */
export function vulkanPath(): string {
  return libraryPath() ?? loaderName;
}

/** Whether a software driver stands in place of a Vulkan loader in this process. */
export function isDriverInPlace(): boolean {
  return libraryInPlace() === "driver";
}

/** Whether this system has a Vulkan loader, asked without loading it: a driver in its place answers to its name. */
export function isLoaderInstalled(): boolean {
  const { existsSync, readFileSync } = globalThis.process.getBuiltinModule("node:fs");
  const folders = (globalThis.process.env.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder !== "");
  if (folders.some((folder) => existsSync(`${folder}/${loaderName}`))) return true;
  try {
    // The dynamic linker's list of the libraries in the system's folders.
    return readFileSync("/etc/ld.so.cache").includes(loaderName);
  } catch {
    return false;
  }
}

/**
 * Calls `work` while a new WebGPU instance finds `driver` and nothing else.
 * @param work Synchronous: a driver that can only be named in the environment is named there until `work` returns.
 * @throws {ComputeError} `no-adapter` if the driver does not load.
 */
export function withDriver<T>(driver: SoftwareDriver, work: () => T): T {
  if (libraryInPlace() === "loader") return withDriverNamed(driver, work);
  const failure = loadLibrary(driver.library);
  if (failure !== undefined) {
    throw new ComputeError("no-adapter", `The software GPU's driver, ${driver.library}, does not load: ${failure}`);
  }
  return work();
}

/**
 * What answers to "libvulkan.so.1" in this process. Nothing does as far as can be told if `/proc` cannot be read.
 */
function libraryInPlace(): "loader" | "driver" | undefined {
  const path = libraryPath();
  if (path === undefined) return undefined;
  return path.includes("/libvulkan.so") ? "loader" : "driver";
}

/** The file of a loader that is mapped into this process, or else that of a driver in its place. */
function libraryPath(): string | undefined {
  if (globalThis.process.platform !== "linux") return undefined;
  const { readFileSync } = globalThis.process.getBuiltinModule("node:fs");
  let maps: string;
  try {
    maps = readFileSync("/proc/self/maps", "utf8");
  } catch {
    return undefined;
  }
  const pathOf = (file: RegExp) => file.exec(maps)?.[0];
  return pathOf(/\/.*\/libvulkan\.so[^/\n]*$/m) ?? pathOf(/\/.*\/libvulkan-[^/\n]*$/m);
}

/** Names `driver` to the loader in this process, and hides the loader's settings, which would overrule the name. */
function withDriverNamed<T>({ manifest, configHome }: SoftwareDriver, work: () => T): T {
  return withEnvironment({ VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest, XDG_CONFIG_HOME: configHome }, work);
}
