import { checkOptionNames, optionNames } from "@kiln-gpu/core/backend";
import type { AdapterOptions } from "./adapter-options.js";
import { checkNode } from "./check-node.js";
import type { GpuInfo } from "./gpu-info.js";
import { checkValues } from "./open-device.js";
import { hasOwnWebGpu, isInPage } from "./own-web-gpu.js";

export type GpusOptions = Pick<AdapterOptions, "fallback">;

const gpusOptionNames = /* @__PURE__ */ optionNames<GpusOptions>({ fallback: true });

/**
 * Lists the GPUs of this machine, in the order in which their drivers report them; with a `fallback`, the software GPU
 * where there is no other. On Linux it asks Vulkan through npm `koffi`. Elsewhere it knows names alone, and GPUs that
 * share a name are listed as one; a browser gives one GPU, or one for each power preference.
 * @throws {ComputeError} `no-adapter` if koffi is not installed, or a software GPU has taken the place of the Vulkan
 *   loader in this process; `invalid-option`.
 */
export async function gpus(options: GpusOptions = {}): Promise<readonly GpuInfo[]> {
  checkNode();
  checkOptionNames("gpus", options, gpusOptionNames);
  checkValues(options);
  const found = await (hasOwnWebGpu() || isInPage() ? inPage() : inNode(options));
  return found.map(({ name, uuid, pciAddress, driver, kind }, index) => ({
    index,
    name,
    uuid,
    pciAddress,
    driver,
    kind,
  }));
}

// What follows is imported here and not above, so that a page which chooses no GPU never loads it.

const inPage = async () => (await import("./own-gpus.js")).findOwnGpus();

async function inNode({ fallback }: GpusOptions) {
  const { findGpusInNode } = await import("./find-gpus-in-node.js");
  return (await findGpusInNode(fallback)).gpus;
}
