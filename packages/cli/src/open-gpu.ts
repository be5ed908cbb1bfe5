import { openPersistentBackend, type PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import type { DeviceInfo } from "@kiln-gpu/core";
import type { OpenDeviceOptions } from "@kiln-gpu/webgpu";
import type { GivenOptions } from "./command.js";
import { findSoftwareGpu } from "./find-software-gpu.js";

/** The options by which a command chooses its GPU. */
export const gpuOptions = { adapter: "value", software: "flag" } as const;

export const gpuOptionsHelp = `  --adapter NAME    the GPU whose name contains NAME
  --software        the software GPU, even if there is another GPU`;

/** What opens the GPU that the command line asks for; the project's software GPU if the machine has no other. */
export async function deviceOptions(given: GivenOptions, folder: string): Promise<OpenDeviceOptions> {
  const fallback = await findSoftwareGpu(folder);
  const adapter = given.value("adapter");
  return {
    ...(fallback && { fallback }),
    ...(adapter !== undefined && { adapter }),
    ...(given.flag("software") && { software: true }),
  };
}

export async function openGpu(given: GivenOptions, folder: string): Promise<PersistentComputeBackend> {
  return openPersistentBackend(await deviceOptions(given, folder));
}

/** The device in a sentence, which says if it is not a real GPU. */
export function describeGpu({ name, isSoftware }: DeviceInfo): string {
  return isSoftware ? `On ${name}, a software GPU: the CPU computes.` : `On ${name}.`;
}
