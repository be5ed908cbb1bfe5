import type { DeviceInfo, DeviceLimits, SubgroupMatrix } from "@kiln-gpu/core";

/**
 * Describes a device in plain values, which outlive it.
 * @param adapterInfo What its adapter says, which is more than its device repeats.
 */
export function describeDevice(device: GPUDevice, adapterInfo = device.adapterInfo): DeviceInfo {
  const { limits } = device;
  const { vendor, architecture } = adapterInfo;
  const copied: DeviceLimits = {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxUniformBufferBindingSize: limits.maxUniformBufferBindingSize,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxUniformBuffersPerShaderStage: limits.maxUniformBuffersPerShaderStage,
    maxBindGroups: limits.maxBindGroups,
    maxBindingsPerBindGroup: limits.maxBindingsPerBindGroup,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
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
    ...describeSubgroups(adapterInfo, device.features),
  };
}

function describeSubgroups(
  info: GPUAdapterInfo,
  features: ReadonlySet<string>,
): Pick<DeviceInfo, "subgroupMinSize" | "subgroupMaxSize" | "subgroupMatrices"> {
  const hasSubgroups = features.has("subgroups");
  const { subgroupMatrixConfigs = [] } = info as { readonly subgroupMatrixConfigs?: readonly SubgroupMatrix[] };
  const hasMatrices = features.has("chromium-experimental-subgroup-matrix");
  return {
    subgroupMinSize: hasSubgroups ? (info.subgroupMinSize ?? 0) : 0,
    subgroupMaxSize: hasSubgroups ? (info.subgroupMaxSize ?? 0) : 0,
    subgroupMatrices: (hasMatrices ? [...subgroupMatrixConfigs] : []).map(
      ({ componentType, resultComponentType, M, N, K }) => ({ componentType, resultComponentType, M, N, K }),
    ),
  };
}

/** Whether an adapter computes on the CPU. Not every platform says so, hence the names of the known ones. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const words = `${info.vendor} ${info.architecture} ${nameAdapter(info)}`;
  return info.isFallbackAdapter || isSoftwareName(words);
}

export function isSoftwareName(name: string): boolean {
  return /swiftshader|llvmpipe|lavapipe|basic render/i.test(name);
}

/** An adapter's name. Browsers give neither device nor description, only the vendor and the architecture. */
export function nameAdapter({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return join(", ", device, description) || join(" ", vendor, architecture) || "an unnamed adapter";
}

function join(separator: string, ...words: readonly string[]): string {
  return words.filter((word) => word !== "").join(separator);
}
