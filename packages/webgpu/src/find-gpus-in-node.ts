/** Finds the GPUs of this machine in Node, and opens the adapter of one of them. */
import { ComputeError } from "@kiln-gpu/core";
import type { AdapterOptions } from "./adapter-options.js";
import { chooseGpu } from "./choose-gpu.js";
import { nameAdapter } from "./describe-device.js";
import { adapterNames, findSoftwareAdapter, lookForGpu, takenByDriver } from "./find-adapter-in-node.js";
import { type GpuChoice, type GpuInfo, gpuOfName, type VulkanGpu } from "./gpu-info.js";
import { openInstance, slotOfThread } from "./instance.js";
import { isDriverInPlace, loadChoosingVulkan, mayHaveGpu, withDriver } from "./load-driver.js";
import { noSuchAdapter } from "./no-adapter.js";
import type { SoftwareGpu } from "./software-gpu.js";
import { loadKoffi, openVulkan } from "./vulkan.js";

/** GPUs, and how one of them is opened. */
type FoundGpus =
  | { readonly how: "alone" | "software"; readonly gpus: readonly VulkanGpu[] }
  | { readonly how: "name"; readonly gpus: readonly GpuInfo[] };

/** @throws {ComputeError} `no-adapter` if Vulkan, or what asks it, cannot be used here. */
export async function findGpusInNode(fallback: SoftwareGpu | undefined): Promise<FoundGpus> {
  if (globalThis.process.platform !== "linux") return { how: "name", gpus: (await adapterNames()).map(gpuOfName) };
  const koffi = loadKoffi();
  const listSoftware = async (software: SoftwareGpu): Promise<FoundGpus> => {
    const driver = await software.locate();
    return { how: "software", gpus: withDriver(driver, () => openVulkan(koffi).list()) };
  };
  if (fallback && !mayHaveGpu()) return await listSoftware(fallback);
  if (isDriverInPlace() && mayHaveGpu()) throw takenByDriver();
  const hasLoader = !isDriverInPlace() && (await loadChoosingVulkan(fallback));
  const gpus = hasLoader ? openVulkan(koffi).list() : [];
  return gpus.length === 0 && fallback ? await listSoftware(fallback) : { how: "alone", gpus };
}

/** @throws {ComputeError} `no-adapter` if there is no such GPU, or it cannot be opened apart from others. */
export async function findChosenAdapter(gpu: string | number, options: AdapterOptions): Promise<GPUAdapter> {
  const { experimental, fallback } = options;
  const choice = await choose(gpu, fallback);
  if (choice.how === "software") return await findSoftwareAdapter(fallback!, options);
  const { name } = choice.gpu;
  const adapter =
    choice.how === "name"
      ? (await lookForGpu({ ...options, adapter: name })).adapter
      : await (await openInstance({ only: choice.gpu, experimental })).requestAdapter();
  if (!adapter) throw noSuchAdapter(name, []);
  if (isNamed(adapter.info, name)) return adapter;
  throw new ComputeError(
    "no-adapter",
    `The GPU "${name}" is asked for, but WebGPU opens "${nameAdapter(adapter.info)}".`,
  );
}

/** Chooses once in a thread, so that an index keeps its meaning when a GPU is gone. */
function choose(gpu: string | number, fallback: SoftwareGpu | undefined): Promise<GpuChoice> {
  const { choices } = slotOfThread();
  const key = JSON.stringify([gpu, fallback?.name]);
  let choice = choices.get(key);
  if (!choice) {
    choice = findGpusInNode(fallback).then(
      ({ how, gpus }) => ({ how, gpu: chooseGpu<GpuInfo>(gpu, gpus) }) as GpuChoice,
    );
    choices.set(key, choice);
    choice.catch(() => choices.delete(key));
  }
  return choice;
}

/** npm `webgpu` writes names in small letters, with hyphens for all other signs. */
function isNamed({ device }: GPUAdapterInfo, name: string): boolean {
  const lettersOf = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/gu, "");
  return lettersOf(device) === lettersOf(name);
}
