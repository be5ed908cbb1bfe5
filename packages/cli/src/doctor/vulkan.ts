import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isLoaderInstalled, mayHaveGpu } from "@kiln-gpu/webgpu";
import type { Finding } from "./finding.js";

/** What Vulkan has on this Linux: its loader, the drivers that it would find, and GPUs that they lack. */
export function vulkanFindings(environment: NodeJS.ProcessEnv = process.env): Finding[] {
  const drivers = driversOf(environment);
  // A machine that shows no GPU needs neither.
  const absent = mayHaveGpu() ? "missing" : "note";
  const findings: Finding[] = [
    isLoaderInstalled()
      ? { status: "ok", name: "Vulkan loader", found: "libvulkan.so.1 is installed" }
      : {
          status: absent,
          name: "Vulkan loader",
          found: "libvulkan.so.1 is not installed, so no GPU can be found",
          advice: "Install it: apt-get install libvulkan1 (Debian, Ubuntu), dnf install vulkan-loader (Fedora).",
        },
    drivers.length > 0
      ? { status: "ok", name: "Vulkan drivers", found: drivers.join(", ") }
      : {
          status: absent,
          name: "Vulkan drivers",
          found: "none is installed",
          advice:
            "Install your GPU's driver: mesa-vulkan-drivers for AMD and Intel, NVIDIA's own for NVIDIA. A container " +
            "needs --gpus all and NVIDIA_DRIVER_CAPABILITIES=all for NVIDIA, or --device /dev/dri for the others.",
        },
  ];
  const { named, closed } = gpuFiles();
  if (named.length > 0) findings.push({ status: "ok", name: "GPU devices", found: named.join(", ") });
  if (closed.length > 0) {
    findings.push({
      status: "missing",
      name: "Access to the GPU",
      found: `this user may not open ${closed.join(", ")}`,
      advice: "Add the user to the group that owns the file, most often with: usermod -aG render,video USER.",
    });
  }
  if (named.some((path) => path.includes("nvidia")) && !drivers.some((driver) => driver.includes("nvidia"))) {
    findings.push({
      status: "missing",
      name: "NVIDIA's Vulkan driver",
      found: "there is an NVIDIA GPU, and Vulkan has no driver for it",
      advice: "Install the driver with its Vulkan part; a container needs NVIDIA_DRIVER_CAPABILITIES=all.",
    });
  }
  return findings;
}

/** The names of the drivers that Vulkan's loader would find, by the files that describe them. */
function driversOf(environment: NodeJS.ProcessEnv): string[] {
  const named = environment.VK_DRIVER_FILES || environment.VK_ICD_FILENAMES;
  const files = named ? named.split(":").map((path) => [path] as const) : driverFiles(environment);
  return files.map(([path, file = path]) => {
    try {
      const { ICD } = JSON.parse(readFileSync(path, "utf8")) as { ICD?: { library_path?: string } };
      return `${file.replace(/^.*\/|\.json$/g, "")} (${ICD?.library_path ?? "no library"})`;
    } catch {
      return `${path} (cannot be read)`;
    }
  });
}

function driverFiles({ HOME, XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_DATA_DIRS }: NodeJS.ProcessEnv) {
  const data = (XDG_DATA_DIRS || "/usr/local/share:/usr/share").split(":");
  const own = HOME ? [XDG_CONFIG_HOME || `${HOME}/.config`, XDG_DATA_HOME || `${HOME}/.local/share`] : [];
  return [...own, "/etc", ...data].flatMap((base) => {
    const folder = join(base, "vulkan/icd.d");
    return namesIn(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => [join(folder, name), name] as const);
  });
}

/** The device files of GPUs, and those of them that this user may not open. */
function gpuFiles(): { readonly named: string[]; readonly closed: string[] } {
  const render = namesIn("/dev/dri").filter((name) => name.startsWith("renderD"));
  const nvidia = namesIn("/dev").filter((name) => /^nvidia\d+$|^dxg$/.test(name));
  const named = [...render.map((name) => `/dev/dri/${name}`), ...nvidia.map((name) => `/dev/${name}`)];
  return { named, closed: named.filter((path) => !mayOpen(path)) };
}

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
