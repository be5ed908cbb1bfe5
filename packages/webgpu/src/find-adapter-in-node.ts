/** Finds adapters of npm `webgpu`: those of this machine's GPUs and the software GPU's. */
import { ComputeError } from "@kiln-gpu/core";
import type { AdapterOptions } from "./adapter-options.js";
import { isSoftware, nameAdapter } from "./describe-device.js";
import { openInstance } from "./instance.js";
import { isDriverInPlace, isLoaderInstalled, mayHaveGpu } from "./load-driver.js";
import { noAdapterHere, noSuchAdapter } from "./no-adapter.js";
import type { SoftwareGpu } from "./software-gpu.js";

/** @throws {ComputeError} `no-adapter` if there is none, with what to do. */
export async function findAdapterInNode(options: AdapterOptions): Promise<GPUAdapter> {
  const { adapter: adapterName, fallback, software } = options;
  if (software && !fallback) {
    throw new ComputeError(
      "no-adapter",
      'The option "software" needs a software GPU; pass `fallback: softwareGpu` of @kiln-gpu/software-gpu.',
    );
  }
  if (software) return await findSoftwareAdapter(fallback!, options);
  // Where there is no GPU a look finds at most drivers that compute on the CPU, and makes Mesa and Dawn print warnings.
  if (fallback && adapterName === undefined && !mayHaveGpu()) return await findSoftwareAdapter(fallback, options);
  const { adapter, reason } = await lookForGpu(options);
  if (adapter) return adapter;
  if (fallback) return await findSoftwareAdapter(fallback, options);
  throw noAdapterHere(reason);
}

/** @returns The adapter of a GPU; if there is none, the reason that WebGPU gives. */
export async function lookForGpu({
  adapter: wanted,
  experimental,
  powerPreference,
}: AdapterOptions): Promise<{ readonly adapter?: GPUAdapter; readonly reason?: unknown }> {
  if (isDriverInPlace() && isLoaderInstalled() && (wanted !== undefined || mayHaveGpu())) {
    throw takenByDriver();
  }
  let reason: unknown;
  try {
    const instance = await openInstance({ adapterName: wanted, experimental });
    const adapter = await instance.requestAdapter(powerPreference && { powerPreference });
    if (adapter) return { adapter };
  } catch (error) {
    reason = error;
  }
  if (wanted === undefined) return { reason };
  // A caller who names an adapter wants no other.
  throw noSuchAdapter(wanted, namesIn(reason), reason);
}

/** The names of the adapters of this machine, each once. */
export async function adapterNames(): Promise<string[]> {
  try {
    await (await openInstance({ adapterName: "\n" })).requestAdapter();
  } catch (reason) {
    return [...new Set(namesIn(reason))];
  }
  return [];
}

/** Dawn's error about an adapter that there is not lists those that there are. */
function namesIn(reason: unknown): string[] {
  return [...String(reason).matchAll(/name: '([^']*)'/g)].map(([, name]) => name!);
}

export function takenByDriver(): ComputeError {
  return new ComputeError(
    "no-adapter",
    "This process cannot find a GPU any more: it has opened a software GPU, which took the place of the Vulkan loader. " +
      "Open the GPU before the software GPU, or in another process.",
  );
}

/** @throws {ComputeError} `no-adapter` if WebGPU finds no adapter, or one that is not a software GPU. */
export async function findSoftwareAdapter(
  software: SoftwareGpu,
  { experimental }: AdapterOptions,
): Promise<GPUAdapter> {
  const adapter = await (await openInstance({ software, experimental })).requestAdapter();
  if (adapter && isSoftware(adapter.info)) return adapter;
  const found = adapter ? `"${nameAdapter(adapter.info)}"` : "no adapter";
  throw new ComputeError(
    "no-adapter",
    `The software GPU "${software.name}" is asked for, but WebGPU finds ${found}. This process had loaded a Vulkan ` +
      "loader before, and that loader does not find the driver which Kiln names in the environment. Open the software GPU " +
      "first in this process, or start the worker thread with `env: SHARE_ENV`.",
  );
}
