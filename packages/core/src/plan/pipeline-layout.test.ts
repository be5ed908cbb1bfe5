import { describe, expect, it } from "vitest";
import type { DeviceLimits } from "../contract/compute-backend.js";
import type { ShaderInterface } from "../shader/shader-interface.js";
import { layOutPipeline } from "./pipeline-layout.js";
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

const layOut = (
  shader: ShaderInterface,
  variant: { readonly split?: boolean; readonly immediate?: boolean } = {},
  limits: Partial<DeviceLimits> = {},
) =>
  layOutPipeline('Kernel "k"', shader, { split: false, immediate: false, ...variant }, { ...defaultLimits, ...limits });

const uniforms = Array.from({ length: 12 }, (_, i) => uniform(`u${i}`, f32));
const arrays = Array.from({ length: 7 }, (_, i) => reads(`a${i}`));
const pair = struct("Pair", 8, [
  { name: "a", offset: 0, layout: f32 },
  { name: "b", offset: 4, layout: f32 },
]);
const push = { ...uniform("push", pair), isImmediate: true };
const table = {
  ...reads("table", struct("T", 16, [{ name: "t", offset: 0, layout: array(f32, 4, 4) }])),
  isImmediate: true,
};
const inUse =
  "all 12 uniform buffers (maxUniformBuffersPerShaderStage) and all 8 storage buffers " +
  "(maxStorageBuffersPerShaderStage) of this device are in use.";

describe("the layout of a pipeline", () => {
  it("has the buffers of the program", () => {
    expect(layOut(shaderOf([reads("a"), uniform("u", pair), writes("y")]))).toEqual({
      buffers: [
        { group: 0, binding: 0, type: "read-only-storage", minByteLength: 4 },
        { group: 0, binding: 1, type: "uniform", minByteLength: 8 },
        { group: 0, binding: 2, type: "storage", minByteLength: 4 },
      ],
      immediateByteLength: 0,
    });
  });

  it("names the kernel whose program is beyond a limit", () => {
    expect(() => layOut(shaderOf([...arrays, reads("b"), writes("y")]))).toThrow(
      expect.objectContaining({
        code: "limit-exceeded",
        message: expect.stringMatching(/^Kernel "k" binds 9 storage/),
      }),
    );
  });
});

describe("immediates", () => {
  it("take no buffer where they are set", () => {
    const { buffers, immediateByteLength } = layOut(shaderOf([push, writes("y")]), { immediate: true });
    expect(buffers).toEqual([{ group: 0, binding: 1, type: "storage", minByteLength: 4 }]);
    expect(immediateByteLength).toBe(8);
  });

  it.each([
    ["a uniform", [writes("y")], "uniform"],
    ["a storage buffer, once all uniforms are taken", [...uniforms, writes("y")], "read-only-storage"],
  ] as const)("are otherwise %s", (_, others, type) => {
    const { buffers, immediates } = layOut(shaderOf([push, ...others]));
    expect(immediates).toMatchObject({ name: "push", group: 0, binding: 0, type });
    expect(buffers.at(-1)).toMatchObject({ group: 0, binding: 0, type, minByteLength: 8 });
  });

  it("are refused where every buffer is taken that could hold them", () => {
    expect(() => layOut(shaderOf([push, ...uniforms, ...arrays, writes("y")]), {}, { maxImmediateSize: 4 })).toThrow(
      `Kernel "k" needs a buffer for "push", which does not fit this device's immediates, and ${inUse}`,
    );
    expect(() => layOut(shaderOf([push, ...uniforms, ...arrays, writes("y")]))).toThrow(
      `Kernel "k" needs a buffer for "push", which is on the device already and cannot be set as an immediate, and ${inUse}`,
    );
    // Its layout is not one that a uniform may have.
    expect(() => layOut(shaderOf([table, ...arrays, writes("y")]))).toThrow(
      'Kernel "k" needs a buffer for "table", which does not fit this device\'s immediates, and ' +
        "all 8 storage buffers (maxStorageBuffersPerShaderStage) of this device are in use.",
    );
  });
});

describe("the grid of a split variant", () => {
  const splittable = { group: 0, binding: 99 };
  const split = (declared: Parameters<typeof shaderOf>[0], limits: Partial<DeviceLimits> = {}, immediate = false) =>
    layOut(shaderOf(declared, { splittable }), { split: true, immediate }, limits);

  it.each([
    ["a uniform", [writes("y")], "uniform"],
    ["a storage buffer, once all uniforms are taken", [...uniforms, writes("y")], "read-only-storage"],
    [
      "a storage buffer, once the immediates have the last uniform",
      [push, ...uniforms.slice(1), writes("y")],
      "read-only-storage",
    ],
  ] as const)("is %s", (_, declared, type) => {
    const { grid, buffers } = split(declared);
    expect(grid).toEqual({ ...splittable, type });
    expect(buffers.at(-1)).toEqual({ ...splittable, type, minByteLength: 32 });
  });

  it("is an immediate, once all buffers are taken", () => {
    const { grid, buffers, immediateByteLength } = split([...uniforms, ...arrays, writes("y")]);
    expect(grid).toEqual({ type: "immediate" });
    expect(buffers).toHaveLength(20);
    expect(immediateByteLength).toBe(32);
  });

  it.each([
    ["the device has no immediates", [], { maxImmediateSize: 0 }, false],
    ["the program has its own", [push], {}, true],
  ] as const)("is refused if besides %s", (_, own, limits, immediate) => {
    expect(() => split([...own, ...uniforms, ...arrays, writes("y")], limits, immediate)).toThrow(
      expect.objectContaining({
        code: "limit-exceeded",
        message: `Kernel "k" cannot be split because a split needs one more buffer, and ${inUse}`,
      }),
    );
  });

  it("is refused with the reason of the program", () => {
    expect(() => layOut(shaderOf([writes("y")], { splittable: "it waits" }), { split: true })).toThrow(
      'Kernel "k" cannot be split because it waits.',
    );
  });
});
