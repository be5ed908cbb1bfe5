/**
 * Shows a new Vulkan instance one GPU and hides all others, by a settings file for the Vulkan loader.
 * https://github.com/KhronosGroup/Vulkan-Loader/blob/main/docs/LoaderSettingsFile.md
 */
import { ComputeError } from "@kiln-gpu/core";
import { showGpus } from "./choose-gpu.js";
import type { VulkanGpu } from "./gpu-info.js";
import { vulkanPath } from "./load-driver.js";
import { loadKoffi, openVulkan, type Vulkan } from "./vulkan.js";
import { withEnvironment } from "./with-environment.js";

/** The first version of the loader that can hide GPUs. */
const choosingLoader = [1, 4, 329] as const;

/**
 * Calls `work` while the Vulkan loader in this process shows `gpu` and no other GPU.
 * @param work Synchronous: the settings go when it returns.
 * @throws {ComputeError} `no-adapter` if the loader shows anything else, with the reason and what to do.
 */
export function withOneGpu<T>(gpu: VulkanGpu, work: () => T): T {
  const { mkdirSync, mkdtempSync, rmSync, writeFileSync } = globalThis.process.getBuiltinModule("node:fs");
  const { tmpdir } = globalThis.process.getBuiltinModule("node:os");
  const { join } = globalThis.process.getBuiltinModule("node:path");
  const configHome = mkdtempSync(join(tmpdir(), "kiln-gpu-"));
  try {
    const folder = join(configHome, "vulkan", "loader_settings.d");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "vk_loader_settings.json"), JSON.stringify(settingsFor(gpu)));
    linkDrivers(join(configHome, "vulkan"));
    const vulkan = openVulkan(loadKoffi());
    return withEnvironment({ XDG_CONFIG_HOME: configHome }, () => {
      // WebGPU does not tell which GPU it opens. This instance of Vulkan reads the same settings as the one that WebGPU
      // makes next, so what it shows is what WebGPU finds.
      const shown = vulkan.list();
      if (shown.length !== 1 || !isSame(shown[0]!, gpu)) throw notAlone(gpu, shown, vulkan);
      return work();
    });
  } finally {
    rmSync(configHome, { recursive: true, force: true });
  }
}

function isSame(a: VulkanGpu, b: VulkanGpu): boolean {
  const identityOf = ({ deviceUuid, driverUuid, driverVersion }: VulkanGpu) =>
    [...deviceUuid, ...driverUuid, driverVersion].join();
  return identityOf(a) === identityOf(b);
}

function notAlone(gpu: VulkanGpu, shown: readonly VulkanGpu[], { version }: Vulkan): ComputeError {
  const { isMainThread } = globalThis.process.getBuiltinModule("node:worker_threads");
  const subject = `The GPU "${gpu.name}", UUID ${gpu.uuid}, cannot be opened apart from others:`;
  const has = `the Vulkan loader in this process, ${vulkanPath()}, has the version ${version.join(".")}`;
  if (isOlder(version, choosingLoader)) {
    return new ComputeError(
      "no-adapter",
      `${subject} ${has}, and only ${choosingLoader.join(".")} or later can choose. Pass \`fallback: softwareGpu\` of ` +
        "@kiln-gpu/software-gpu, which brings such a loader, to the first call of this process that looks for a GPU; or " +
        "update the system's loader.",
    );
  }
  if (!isMainThread) {
    return new ComputeError(
      "no-adapter",
      `${subject} drivers do not see the environment of this worker thread. Start it with \`env: SHARE_ENV\` of ` +
        "node:worker_threads.",
    );
  }
  return new ComputeError("no-adapter", `${subject} ${has}, and shows these at its settings: ${showGpus(shown)}.`);
}

function isOlder(version: readonly number[], other: readonly number[]): boolean {
  const at = version.findIndex((part, i) => part !== other[i]);
  return at >= 0 && version[at]! < other[at]!;
}

function settingsFor({ deviceUuid, driverUuid, driverVersion }: VulkanGpu): object {
  const { files, isExclusive } = driversInEnvironment();
  const settings = {
    ...(files.length > 0 && {
      additional_drivers: files.map((path) => ({ path })),
      additional_drivers_use_exclusively: isExclusive,
    }),
    device_configurations: [{ deviceUUID: deviceUuid, driverUUID: driverUuid, driverVersion }],
  };
  return { file_format_version: "1.0.0", settings };
}

/**
 * The manifests of drivers that the environment names. The loader does not read them there while it has settings, so
 * the settings name them.
 */
function driversInEnvironment(): { readonly files: readonly string[]; readonly isExclusive: boolean } {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES, VK_ADD_DRIVER_FILES } = globalThis.process.env;
  const only = VK_DRIVER_FILES || VK_ICD_FILENAMES;
  const paths = (only || VK_ADD_DRIVER_FILES || "").split(":").filter((path) => path !== "");
  return { files: paths.flatMap(manifestsAt), isExclusive: Boolean(only) };
}

/** A path may be that of a manifest, or of a folder of manifests. */
function manifestsAt(path: string): string[] {
  const { readdirSync, statSync } = globalThis.process.getBuiltinModule("node:fs");
  const { join, resolve } = globalThis.process.getBuiltinModule("node:path");
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [resolve(path)];
  const manifests = readdirSync(path).filter((name) => name.endsWith(".json"));
  return manifests.map((name) => resolve(join(path, name)));
}

/** The loader also looks for drivers in the folder whose place `configHome` takes. */
function linkDrivers(folder: string): void {
  const { existsSync, symlinkSync } = globalThis.process.getBuiltinModule("node:fs");
  const { homedir } = globalThis.process.getBuiltinModule("node:os");
  const { join } = globalThis.process.getBuiltinModule("node:path");
  const usual = globalThis.process.env.XDG_CONFIG_HOME || join(homedir(), ".config");
  const drivers = join(usual, "vulkan", "icd.d");
  if (existsSync(drivers)) symlinkSync(drivers, join(folder, "icd.d"));
}
