/** What a page gets in place of the driver: it uses the browser's own WebGPU, so code that runs in both places works. */
import { ComputeError } from "@kiln-gpu/core";
import type { SoftwareGpu } from "@kiln-gpu/webgpu";

export const softwareGpu: SoftwareGpu = {
  name: "SwiftShader",
  locate: async () => {
    throw new ComputeError(
      "no-adapter",
      "The software GPU is for Node, Bun and Deno; a page uses its browser's WebGPU.",
    );
  },
};
