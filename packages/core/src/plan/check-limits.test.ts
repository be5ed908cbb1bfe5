import { describe, expect, it } from "vitest";
import type { DeviceLimits } from "../contract/compute-backend.js";
import type { ShaderInterface } from "../shader/shader-interface.js";
import { exceededLimit } from "./check-limits.js";
import {
  array,
  defaultLimits,
  f32,
  reads,
  shaderOf,
  struct,
  uniform,
  writes,
} from "./shader-interface.test-support.js";

const many = (count: number, declare: (name: string) => ReturnType<typeof reads>) =>
  Array.from({ length: count }, (_, i) => declare(`b${i}`));
const at = (place: { readonly group?: number; readonly binding?: number }) => {
  const shader = shaderOf([writes("y")]);
  return { ...shader, bindings: shader.bindings.map((info) => ({ ...info, ...place })) };
};
const sized = (...workgroupSize: [number, number, number]) => shaderOf([writes("y")], { workgroupSize });
const floats = (count: number) =>
  struct("List", count * 16, [{ name: "all", offset: 0, layout: array(f32, 16, count) }]);
const immediate = (name: string) => ({ ...uniform(name, f32), isImmediate: true });

/** A program within a limit, one beyond it, and how the second is refused. */
const cases: readonly [limit: keyof DeviceLimits, within: ShaderInterface, beyond: ShaderInterface, refused: string][] =
  [
    [
      "maxStorageBuffersPerShaderStage",
      shaderOf([...many(7, reads), writes("y")]),
      shaderOf([...many(8, reads), writes("y")]),
      "binds 9 storage buffers; this device binds at most 8 at a time (maxStorageBuffersPerShaderStage). " +
        "Combine some of them, or use several passes.",
    ],
    [
      "maxUniformBuffersPerShaderStage",
      shaderOf([...many(12, (name) => uniform(name, f32)), immediate("push"), writes("y")]),
      shaderOf([...many(13, (name) => uniform(name, f32)), writes("y")]),
      "binds 13 uniform buffers; this device binds at most 12 at a time (maxUniformBuffersPerShaderStage). " +
        "Combine some of them, or use several passes.",
    ],
    [
      "maxBindGroups",
      at({ group: 3 }),
      at({ group: 4 }),
      'binds "y" in group 4; this device has groups 0 to 3 (maxBindGroups).',
    ],
    [
      "maxBindGroups",
      at({ group: 0 }),
      at({ group: 4_000_000_000 }),
      'binds "y" in group 4000000000; this device has groups 0 to 3 (maxBindGroups).',
    ],
    [
      "maxBindingsPerBindGroup",
      at({ binding: 999 }),
      at({ binding: 1000 }),
      'binds "y" at binding 1000; this device has bindings 0 to 999 in a group (maxBindingsPerBindGroup).',
    ],
    [
      "maxUniformBufferBindingSize",
      shaderOf([uniform("u", floats(4096)), writes("y")]),
      shaderOf([uniform("u", floats(4097)), writes("y")]),
      'binds "u" with 65552 bytes; this device binds at most 65536 (maxUniformBufferBindingSize).',
    ],
    [
      "maxStorageBufferBindingSize",
      shaderOf([writes("y", array(f32, 4, 2 ** 25))]),
      shaderOf([writes("y", array(f32, 4, 2 ** 25 + 1))]),
      'binds "y" with 134217732 bytes; this device binds at most 134217728 (maxStorageBufferBindingSize).',
    ],
    [
      "maxComputeWorkgroupSizeX",
      sized(256, 1, 1),
      sized(257, 1, 1),
      "has workgroups of [257, 1, 1]; this device takes at most [256, 256, 64] (maxComputeWorkgroupSizeX).",
    ],
    [
      "maxComputeWorkgroupSizeY",
      sized(1, 256, 1),
      sized(1, 257, 1),
      "has workgroups of [1, 257, 1]; this device takes at most [256, 256, 64] (maxComputeWorkgroupSizeY).",
    ],
    [
      "maxComputeWorkgroupSizeZ",
      sized(2, 2, 64),
      sized(1, 1, 65),
      "has workgroups of [1, 1, 65]; this device takes at most [256, 256, 64] (maxComputeWorkgroupSizeZ).",
    ],
    [
      "maxComputeInvocationsPerWorkgroup",
      sized(16, 16, 1),
      sized(16, 16, 2),
      "has workgroups of [16, 16, 2], 512 invocations; this device takes at most 256 (maxComputeInvocationsPerWorkgroup).",
    ],
    [
      "maxComputeWorkgroupStorageSize",
      shaderOf([writes("y")], { workgroupByteLength: 16_384 }),
      shaderOf([writes("y")], { workgroupByteLength: 16_400 }),
      "uses 16400 bytes of workgroup memory; this device has at most 16384 (maxComputeWorkgroupStorageSize).",
    ],
  ];

describe("a program", () => {
  it.each(cases)("is refused beyond %s, and not at it", (limit, within, beyond, refused) => {
    expect(exceededLimit(within, defaultLimits)).toBeUndefined();
    expect(exceededLimit(beyond, defaultLimits)).toBe(refused);
    expect(exceededLimit(beyond, { ...defaultLimits, [limit]: 2 ** 32 })).not.toBe(refused);
  });
});
