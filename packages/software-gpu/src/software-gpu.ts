import { ComputeError } from "@kiln-gpu/core";
import type { SoftwareGpu } from "@kiln-gpu/webgpu";

/**
 * SwiftShader, a Vulkan driver that computes on the CPU. It comes inside an npm package, so it needs no GPU, no root
 * rights and no download. Pass it to a backend as `fallback`.
 */
export const softwareGpu: SoftwareGpu = {
  name: "SwiftShader",
  async locate() {
    const { platform, arch } = process;
    if (platform !== "linux" || arch !== "x64") {
      throw new ComputeError("no-adapter", `The software GPU runs on Linux x64; this is ${platform} ${arch}.`);
    }
    // Imported here and not above, so that pages and machines with a GPU never load it.
    const { unpackDriver } = await import("./unpack-driver.js");
    return unpackDriver();
  },
};
