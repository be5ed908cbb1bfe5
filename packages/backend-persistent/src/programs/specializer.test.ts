import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Bindings, bytes, type DeviceInfo, defineKernel, inout, type Kernel, output } from "@kiln-gpu/core";
import { openStore } from "@kiln-gpu/store";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LoadedKernel, PipelineCache } from "./pipeline-cache.js";
import { Specializer } from "./specializer.js";

const limits = {
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxComputeWorkgroupStorageSize: 16_384,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBuffersPerShaderStage: 12,
};
const device = { name: "a", vendor: "b", architecture: "c", limits } as unknown as DeviceInfo;

/**
 * What is loaded of a kernel, as far as a choice asks: its workgroup and the memory of that, from its constants, and
 * its address, from its text.
 */
const programs = {
  async load(kernel: Kernel) {
    const { constants, wgsl } = kernel.programs.main!;
    const workgroupSize = [constants?.x ?? 1, constants?.y ?? 1, 1];
    const workgroupByteLength = (constants?.shared ?? 0) as number;
    const interfaces = { main: { workgroupSize, workgroupByteLength, bindings: [] } };
    return {
      addresses: new Map([["main", { whole: `${wgsl} ${JSON.stringify(constants)}`, split: "" }]]),
      interfaces,
    } as unknown as LoadedKernel;
  },
} as unknown as PipelineCache;

const kernelOf = (tunable: Record<string, readonly number[]>, wgsl = "text") =>
  defineKernel<Bindings>({ label: "k", wgsl, tunable });
const bindingsOf = (length: number) => ({ scale: 2, a: new Float32Array(3), b: new Float32Array(length) });
const constantsOf = async (specializer: Specializer, kernel: Kernel, length: number) =>
  (await specializer.choose(kernel, bindingsOf(length))).programs.main!.constants;

let directory: string;
let specializer: Specializer;
const openSpecializer = (of: DeviceInfo = device) => new Specializer(programs, of, openStore({ directory }));

beforeEach(async () => {
  vi.stubEnv("KILN_STORE", "on");
  directory = await mkdtemp(path.join(tmpdir(), "kiln-specializer-"));
  specializer = openSpecializer();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

describe("where nothing was tuned", () => {
  test.each([
    ["the first of each that the device can run", { x: [512, 128, 64] }, 1e5, { x: 128 }],
    ["smaller where there are few elements", { x: [128, 64, 32, 16] }, 33, { x: 64 }],
    ["not below 32, which devices run at once anyway", { x: [128, 32, 16] }, 3, { x: 32 }],
    ["larger where the grid would have to be split", { x: [1, 2, 64] }, 2 ** 17, { x: 64 }],
    ["within the device's workgroup memory", { x: [64], shared: [32_768, 8192] }, 100, { x: 64, shared: 8192 }],
    ["within the invocations that all dimensions share", { x: [32, 16], y: [32, 8] }, 100, { x: 32, y: 8 }],
    ["the least bad where none fits", { x: [512, 1024] }, 1e5, { x: 512 }],
  ])("the choice is %s", async (_, tunable, length, expected) => {
    expect(await constantsOf(specializer, kernelOf(tunable), length)).toEqual(expected);
  });

  test("it is the same object again, at once", async () => {
    const kernel = kernelOf({ x: [64, 32] });
    const first = await specializer.choose(kernel, bindingsOf(1000));
    expect(specializer.choose(kernel, bindingsOf(1024))).toBe(first);
    expect(first.tunable).toBeUndefined();
  });

  test("a kernel that cannot be loaded is asked for again", async () => {
    const load = vi.fn(programs.load).mockRejectedValueOnce(new Error("no"));
    const failing = new Specializer({ load } as unknown as PipelineCache, device, openStore({ isEnabled: false }));
    const kernel = kernelOf({ x: [64] });
    await expect(failing.choose(kernel, bindingsOf(8))).rejects.toThrow("no");
    expect((await failing.choose(kernel, bindingsOf(8))).programs.main!.constants).toEqual({ x: 64 });
  });
});

describe("what was tuned", () => {
  const tunable = { x: [64, 128, 32] };

  test("is chosen for sizes up to the next power of two, by this and later processes", async () => {
    const kernel = kernelOf(tunable);
    expect(await constantsOf(specializer, kernel, 1000)).toEqual({ x: 64 });
    await specializer.keep(kernel, 1000, { x: 32 });
    for (const each of [specializer, openSpecializer()]) {
      expect(await constantsOf(each, kernel, 1000)).toEqual({ x: 32 });
      expect(await constantsOf(each, kernel, 513)).toEqual({ x: 32 });
      expect(await constantsOf(each, kernel, 512)).toEqual({ x: 64 });
      expect(await constantsOf(each, kernel, 1025)).toEqual({ x: 64 });
    }
    expect(await constantsOf(openSpecializer(), kernelOf(tunable), 1000)).toEqual({ x: 32 });
  });

  test("is for this text, these values and this device alone", async () => {
    await specializer.keep(kernelOf(tunable), 1000, { x: 32 });
    expect(await constantsOf(openSpecializer(), kernelOf(tunable, "other"), 1000)).toEqual({ x: 64 });
    expect(await constantsOf(openSpecializer(), kernelOf({ x: [64, 32] }), 1000)).toEqual({ x: 64 });
    for (const key of ["name", "vendor", "architecture"]) {
      expect(await constantsOf(openSpecializer({ ...device, [key]: "other" }), kernelOf(tunable), 1000)).toEqual({
        x: 64,
      });
    }
  });

  test("counts for nothing where it is no combination to choose from", async () => {
    for (const constants of [{ x: 7 }, { x: 32, y: 1 }, {}]) {
      await specializer.keep(kernelOf(tunable), 1000, constants as never);
      expect(await constantsOf(openSpecializer(), kernelOf(tunable), 1000)).toEqual({ x: 64 });
    }
  });
});

describe("the elements of a run", () => {
  const f32 = { kind: "scalar", scalar: "f32", byteLength: 4 };
  const arrayOf = (stride: number) => ({ kind: "array", element: f32, stride, count: 0, byteLength: 0 });
  const struct = { kind: "struct", members: [{ name: "e", offset: 16, layout: arrayOf(8) }], byteLength: 16 };
  const layouts = { vectors: arrayOf(16), pairs: struct };
  const load = async () => ({
    interfaces: { main: { bindings: Object.entries(layouts).map(([name, layout]) => ({ name, layout })) } },
  });
  const count = (bindings: Bindings) =>
    new Specializer({ load } as unknown as PipelineCache, device, openStore({ isEnabled: false })).elementsOf(
      kernelOf({ x: [1] }),
      bindings,
    );

  test.each<[string, Bindings, number]>([
    ["those of its largest binding", bindingsOf(1000), 1000],
    ["one where it binds plain values alone", { n: 5, on: true, at: { length: 9, x: 1 } }, 1],
    ["counted as the shader declares them", { vectors: new Float32Array(64) }, 16],
    ["of an output, too", { vectors: output(Float32Array, 64), other: new Float32Array(8) }, 16],
    ["counted after what precedes them in a struct", { pairs: inout(new Float32Array(10)) }, 3],
    ["of four bytes, where no shader says otherwise", { other: bytes(new Uint8Array(10)) }, 3],
  ])("are %s", async (_, bindings, expected) => {
    expect(await count(bindings)).toBe(expected);
  });
});
