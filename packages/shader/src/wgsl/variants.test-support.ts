import type { DeviceLimits } from "@kiln-gpu/core";
import { layOutPipeline, type ProgramVariant } from "@kiln-gpu/core/backend";
import { variantOf } from "./program-variant.js";
import type { WgslProgram } from "./split-variant.js";

/** What WebGPU guarantees on every device. */
export const guaranteed: DeviceLimits = {
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxUniformBufferBindingSize: 64 * 2 ** 10,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBuffersPerShaderStage: 12,
  maxBindGroups: 4,
  maxBindingsPerBindGroup: 1000,
  maxComputeWorkgroupStorageSize: 16 * 2 ** 10,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65535,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
  maxImmediateSize: 64,
};

/** The WGSL of a variant on a device with what WebGPU guarantees, except for `limits`. */
export function textOf(
  loaded: WgslProgram,
  variant: Partial<Omit<ProgramVariant, "program">> = {},
  limits: Partial<DeviceLimits> = {},
): string {
  const whole = { split: false, immediate: false, ...variant };
  return variantOf(loaded, layOutPipeline('Kernel "k"', loaded.interface, whole, { ...guaranteed, ...limits }));
}
