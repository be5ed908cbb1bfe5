import { ComputeError } from "@kiln-gpu/core";
import type { SoftwareGpu } from "@kiln-gpu/webgpu";

/**
 * SwiftShader, a Vulkan driver that computes on the CPU, as it ships inside an npm package: right results with no GPU, no root and
 * no download. Give it to a backend as `fallback`.
 */
export const softwareGpu: SoftwareGpu = {
  name: "SwiftShader",
  async locate() {
    const { platform, arch } = process;
    if (platform !== "linux" || arch !== "x64") {
      throw new ComputeError("no-adapter", `The software GPU runs on Linux x64; this is ${platform} ${arch}.`);
    }
    // Loaded here and not above: a page or a machine with a GPU never needs the file system.
    const { unpackDriver } = await import("./unpack-driver.js");
    return unpackDriver();
  },
};
