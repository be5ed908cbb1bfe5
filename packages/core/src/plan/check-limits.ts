import type { DeviceLimits } from "../contract/compute-backend.js";
import { Refusal } from "../errors/refusal.js";
import { minByteLengthOf, type ShaderInterface } from "../shader/shader-interface.js";
import { tooLong } from "./check-binding.js";

/** @throws {ComputeError} `limit-exceeded` if a program can never run on a device with these limits. */
export function checkLimits(shader: ShaderInterface, limits: DeviceLimits): void {
  const exceeded = exceededLimit(shader, limits);
  if (exceeded !== undefined) throw new Refusal("limit-exceeded", exceeded);
}

/** The limit that a program exceeds, as a sentence without its subject; `undefined` if it is within all of them. */
export function exceededLimit(shader: ShaderInterface, limits: DeviceLimits): string | undefined {
  return workgroupTooLarge(shader, limits) ?? tooFarOrLarge(shader, limits) ?? tooMany(shader, limits);
}

function workgroupTooLarge(
  { workgroupSize, workgroupByteLength }: ShaderInterface,
  limits: DeviceLimits,
): string | undefined {
  const given = `has workgroups of [${workgroupSize.join(", ")}]`;
  const most = [limits.maxComputeWorkgroupSizeX, limits.maxComputeWorkgroupSizeY, limits.maxComputeWorkgroupSizeZ];
  const wide = workgroupSize.findIndex((size, i) => size > most[i]!);
  if (wide >= 0) {
    return `${given}; this device takes at most [${most.join(", ")}] (maxComputeWorkgroupSize${"XYZ"[wide]}).`;
  }
  const invocations = workgroupSize.reduce((product, size) => product * size, 1);
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = limits;
  if (invocations > maxComputeInvocationsPerWorkgroup) {
    return (
      `${given}, ${invocations} invocations; this device takes at most ${maxComputeInvocationsPerWorkgroup} ` +
      "(maxComputeInvocationsPerWorkgroup)."
    );
  }
  if (workgroupByteLength <= maxComputeWorkgroupStorageSize) return undefined;
  return (
    `uses ${workgroupByteLength} bytes of workgroup memory; this device has at most ` +
    `${maxComputeWorkgroupStorageSize} (maxComputeWorkgroupStorageSize).`
  );
}

/** A binding whose place is beyond the last one, or whose type is longer than any buffer that can be bound. */
function tooFarOrLarge({ bindings }: ShaderInterface, limits: DeviceLimits): string | undefined {
  const { maxBindGroups, maxBindingsPerBindGroup } = limits;
  for (const { name, group, binding, kind, layout, isImmediate } of bindings) {
    if (group >= maxBindGroups) {
      return `binds "${name}" in group ${group}; this device has groups 0 to ${maxBindGroups - 1} (maxBindGroups).`;
    }
    if (binding >= maxBindingsPerBindGroup) {
      return (
        `binds "${name}" at binding ${binding}; this device has bindings 0 to ${maxBindingsPerBindGroup - 1} ` +
        "in a group (maxBindingsPerBindGroup)."
      );
    }
    const long = isImmediate ? undefined : tooLong(name, minByteLengthOf(layout), kind, limits);
    if (long !== undefined) return long;
  }
  return undefined;
}

function tooMany({ bindings }: ShaderInterface, limits: DeviceLimits): string | undefined {
  for (const [kind, limit] of [
    ["storage", "maxStorageBuffersPerShaderStage"],
    ["uniform", "maxUniformBuffersPerShaderStage"],
  ] as const) {
    const count = bindings.filter((info) => info.kind === kind && !info.isImmediate).length;
    if (count <= limits[limit]) continue;
    return (
      `binds ${count} ${kind} buffers; this device binds at most ${limits[limit]} at a time (${limit}). ` +
      "Combine some of them, or use several passes."
    );
  }
  return undefined;
}
