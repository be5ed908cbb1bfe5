import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeDevice, isSoftware, nameAdapter } from "./describe-device.js";
import { openNullDevice } from "./null-device.test-support.js";

const info = (fields: Partial<GPUAdapterInfo>) =>
  ({
    vendor: "",
    architecture: "",
    device: "",
    description: "",
    isFallbackAdapter: false,
    ...fields,
  }) as GPUAdapterInfo;

describe("an adapter's name", () => {
  it.each<[Partial<GPUAdapterInfo>, string]>([
    [
      { device: "NVIDIA H200", description: "driver 580", vendor: "nvidia", architecture: "hopper" },
      "NVIDIA H200, driver 580",
    ],
    [{ device: "NVIDIA H200" }, "NVIDIA H200"],
    [{ description: "driver 580" }, "driver 580"],
    [{ vendor: "apple", architecture: "metal-3" }, "apple metal-3"],
    [{ vendor: "apple" }, "apple"],
    [{}, "an unnamed adapter"],
  ])("of %j is %s", (fields, name) => {
    expect(nameAdapter(info(fields))).toBe(name);
  });
});

describe("an adapter is software", () => {
  it.each<[Partial<GPUAdapterInfo>, boolean]>([
    [{ isFallbackAdapter: true }, true],
    [{ vendor: "google", architecture: "swiftshader" }, true],
    [{ device: "SwiftShader Device (Subzero)" }, true],
    [{ device: "llvmpipe (LLVM 15.0.6, 256 bits)" }, true],
    [{ description: "Microsoft Basic Render Driver" }, true],
    [{ vendor: "nvidia", device: "NVIDIA H200" }, false],
    [{}, false],
  ])("if it or its name says so: %j, %s", (fields, expected) => {
    expect(isSoftware(info(fields))).toBe(expected);
  });
});

describe("a device", () => {
  let device: GPUDevice;
  beforeAll(async () => {
    device = await openNullDevice({ requiredFeatures: ["timestamp-query", "shader-f16"] });
  });
  afterAll(() => device.destroy());

  it("is described by its own values", () => {
    const described = describeDevice(device);
    for (const [name, value] of Object.entries(described.limits)) {
      expect([name, value]).toEqual([name, (device.limits as unknown as Record<string, number>)[name]]);
    }
    expect(Object.keys(described.limits)).toHaveLength(16);
    expect(described).toMatchObject({ name: "null-backend", vendor: "", architecture: "", isSoftware: false });
    expect(described.features).toEqual([...device.features].sort());
    expect(described.features).toContain("shader-f16");
  });

  it("has no room for immediates where WebGPU does not say that it has", () => {
    const limits = { ...Object.fromEntries(Object.entries(device.limits)), maxImmediateSize: undefined };
    const older = { limits, adapterInfo: device.adapterInfo, features: device.features } as unknown as GPUDevice;
    expect(describeDevice(older).limits.maxImmediateSize).toBe(0);
  });
});
