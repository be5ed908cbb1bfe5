import { isSoftwareName } from "./describe-device.js";

/** A GPU of this machine, as `gpus()` lists it. */
export interface GpuInfo {
  /** Its position in the list, from 0. */
  readonly index: number;
  /** Its name, as the driver gives it: `"NVIDIA H200"`. */
  readonly name: string;
  /** Its UUID, as `nvidia-smi -L` shows it after `GPU-`; only on Linux. */
  readonly uuid: string | undefined;
  /** Its address on the PCI bus: `"0000:17:00.0"`; only on Linux, and only if its driver tells it. */
  readonly pciAddress: string | undefined;
  /** The driver's name and version: `"NVIDIA 580.159.04"`; only on Linux, and only if the driver tells them. */
  readonly driver: string | undefined;
  /** `software` computes on the CPU. Away from Linux only `software` and `other` are told apart. */
  readonly kind: "discrete" | "integrated" | "virtual" | "software" | "other";
}

/** A GPU of which WebGPU tells the name alone. */
export function gpuOfName(name: string, index: number): GpuInfo {
  const kind = isSoftwareName(name) ? "software" : "other";
  return { index, name, uuid: undefined, pciAddress: undefined, driver: undefined, kind };
}

/** A GPU, and by what a Vulkan loader recognizes it. */
export interface VulkanGpu extends GpuInfo {
  readonly deviceUuid: readonly number[];
  readonly driverUuid: readonly number[];
  /** The driver's version in its own encoding, as a signed number. */
  readonly driverVersion: number;
}

/** How a GPU is opened: as the only one that Vulkan shows, as the software GPU, or by its name. */
export type GpuChoice =
  | { readonly how: "alone" | "software"; readonly gpu: VulkanGpu }
  | { readonly how: "name"; readonly gpu: GpuInfo };
