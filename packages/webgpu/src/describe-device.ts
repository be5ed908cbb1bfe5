import type { DeviceInfo, DeviceLimits } from "@kiln-gpu/core";

/** What a device says of itself, as plain values that outlive it. */
export function describeDevice(device: GPUDevice): DeviceInfo {
  const { limits, adapterInfo } = device;
  const { vendor, architecture } = adapterInfo;
  const copied: DeviceLimits = {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxUniformBufferBindingSize: limits.maxUniformBufferBindingSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
    maxComputeWorkgroupSizeZ: limits.maxComputeWorkgroupSizeZ,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    minStorageBufferOffsetAlignment: limits.minStorageBufferOffsetAlignment,
    minUniformBufferOffsetAlignment: limits.minUniformBufferOffsetAlignment,
    maxImmediateSize: (limits as { readonly maxImmediateSize?: number }).maxImmediateSize ?? 0,
  };
  return {
    name: nameAdapter(adapterInfo),
    vendor,
    architecture,
    isSoftware: isSoftware(adapterInfo),
    limits: copied,
    features: [...device.features].sort(),
  };
}

/** Whether an adapter computes on the CPU. Not every platform says so; the known ones are told by their names. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const words = `${info.vendor} ${info.architecture} ${nameAdapter(info)}`;
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(words);
}

/** Browsers tell neither name nor description, only the vendor and the architecture. */
export function nameAdapter({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return join(", ", device, description) || join(" ", vendor, architecture) || "an unnamed adapter";
}

function join(separator: string, ...words: readonly string[]): string {
  return words.filter((word) => word !== "").join(separator);
}
