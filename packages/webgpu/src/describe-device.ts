import type { DeviceInfo, DeviceLimits } from "@kiln-gpu/core";

/** What a device says of itself, as plain values that outlive it. */
export function describeDevice(device: GPUDevice): DeviceInfo {
  const { vendor, architecture, device: name, description, isFallbackAdapter } = device.adapterInfo;
  const { limits } = device;
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
  const words = `${vendor} ${architecture} ${name} ${description}`;
  return {
    // Browsers tell neither name nor description, only the vendor and the architecture.
    name: join(", ", name, description) || join(" ", vendor, architecture) || "an unnamed adapter",
    vendor,
    architecture,
    isSoftware: isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(words),
    limits: copied,
    features: [...device.features].sort(),
  };
}

function join(separator: string, ...words: readonly string[]): string {
  return words.filter((word) => word !== "").join(separator);
}
