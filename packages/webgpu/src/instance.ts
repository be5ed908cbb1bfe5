/**
 * The `GPU` object that gives adapters: the browser's or Deno's own, or one that npm `webgpu` makes in Node.
 *
 * Invariant: in Node an instance is never dropped. If it is collected while something made from it is alive, the
 * process aborts. So all instances are kept in one slot of the thread, which every copy of this package shares.
 */
import { ComputeError } from "@kiln-gpu/core";
import { type Experiment, togglesOf } from "./experiments.js";
import type { GpuChoice, VulkanGpu } from "./gpu-info.js";
import { isDriverInPlace, loadVulkan, withDriver } from "./load-driver.js";
import { ownWebGpu } from "./own-web-gpu.js";
import type { SoftwareGpu } from "./software-gpu.js";
import { withOneGpu } from "./with-one-gpu.js";

export interface InstanceOptions {
  /** Part of an adapter's name, case-sensitive; Node only. */
  readonly adapterName?: string | undefined;
  readonly software?: SoftwareGpu | undefined;
  /** The instance finds this GPU and no other; in Node on Linux, with a Vulkan loader in the process. */
  readonly only?: VulkanGpu | undefined;
  readonly experimental?: readonly Experiment[] | undefined;
}

const slotKey = Symbol.for("@kiln-gpu/webgpu/instances");

interface Slot {
  readonly instances: Map<string, Promise<GPU>>;
  /** The GPUs that callers have chosen, by how they named them. */
  readonly choices: Map<string, Promise<GpuChoice>>;
}

export function slotOfThread(): Slot {
  const threads = globalThis as { [slotKey]?: Slot };
  threads[slotKey] ??= { instances: new Map(), choices: new Map() };
  return threads[slotKey];
}

/** The thread's instance for these options, made on first use. A software GPU always gets one of npm `webgpu`. */
export function openInstance(options: InstanceOptions = {}): Promise<GPU> {
  const own = ownWebGpu();
  if (own && !options.software) return Promise.resolve(own);
  const slot = slotOfThread();
  const { adapterName, experimental = [], only, software } = options;
  const key = JSON.stringify([
    software?.name,
    adapterName,
    togglesOf(experimental),
    only && [only.deviceUuid, only.driverUuid, only.driverVersion],
  ]);
  let instance = slot.instances.get(key);
  if (!instance) {
    instance = createInstance(options);
    slot.instances.set(key, instance);
    instance.catch(() => slot.instances.delete(key));
  }
  return instance;
}

async function createInstance({ adapterName, software, only, experimental = [] }: InstanceOptions): Promise<GPU> {
  let npm: { create(flags: string[]): GPU };
  try {
    npm = await import("webgpu");
  } catch (cause) {
    throw new ComputeError("no-adapter", 'WebGPU is not built in here, and the npm package "webgpu" does not load.', {
      cause,
    });
  }
  // Dawn rounds timestamps to 100 us to protect web pages from each other, which is too coarse for a kernel.
  const flags = [
    "disable-dawn-features=timestamp_quantization",
    `enable-dawn-features=${togglesOf(experimental).join(",")}`,
  ];
  if (adapterName !== undefined) flags.push(`adapter=${adapterName}`);
  const driver = await software?.locate();
  if (!driver && (isDriverInPlace() || !loadVulkan())) {
    throw new ComputeError(
      "no-adapter",
      "There is no Vulkan on this machine: its loader, libvulkan.so.1, is not installed.",
    );
  }
  const start = () => {
    const instance = npm.create(flags);
    // The first call that asks for an adapter finds the drivers, before it returns.
    return { instance, found: instance.requestAdapter() };
  };
  const { instance, found } = driver ? withDriver(driver, start) : only ? withOneGpu(only, start) : start();
  await found.catch(() => null);
  return instance;
}
