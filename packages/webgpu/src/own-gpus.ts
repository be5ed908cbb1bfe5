import type { AdapterOptions } from "./adapter-options.js";
import { chooseGpu } from "./choose-gpu.js";
import { nameAdapter } from "./describe-device.js";
import { type GpuInfo, gpuOfName } from "./gpu-info.js";
import { isOpenGlOfDeno, ownWebGpu } from "./own-web-gpu.js";

type OwnGpu = GpuInfo & Required<Pick<AdapterOptions, "powerPreference">>;

/**
 * The power preference at which a browser or Deno gives the GPU that is asked for.
 * @throws {ComputeError} `no-adapter` if it gives no such GPU, with those that it gives.
 */
export async function preferenceFor(gpu: string | number): Promise<OwnGpu["powerPreference"]> {
  return chooseGpu(gpu, await findOwnGpus()).powerPreference;
}

/** The GPUs that a browser or Deno gives: one, or one for each power preference. */
export async function findOwnGpus(): Promise<OwnGpu[]> {
  const found = new Map<string, OwnGpu>();
  for (const powerPreference of ["high-performance", "low-power"] as const) {
    const adapter = await ownWebGpu()?.requestAdapter({ powerPreference });
    if (!adapter || isOpenGlOfDeno(adapter)) continue;
    const name = nameAdapter(adapter.info);
    if (!found.has(name)) found.set(name, { ...gpuOfName(name, found.size), powerPreference });
  }
  return [...found.values()];
}
