import type { SoftwareGpu } from "@kiln-gpu/webgpu";
import { driverFor } from "./driver-for.js";

/**
 * SwiftShader, a Vulkan driver that computes on the CPU. It comes in an npm package for each platform, so it needs no
 * GPU, no root rights and no download. Pass it to a backend as `fallback`.
 */
export const softwareGpu: SoftwareGpu = {
  name: "SwiftShader",
  locate: async () => driverFor(process),
};
