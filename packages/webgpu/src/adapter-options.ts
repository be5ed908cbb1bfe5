import type { Experiment } from "./experiments.js";
import type { SoftwareGpu } from "./software-gpu.js";

/** Which adapter is asked for. */
export interface AdapterOptions {
  readonly powerPreference?: "high-performance" | "low-power";
  /**
   * Part of the adapter's name as the driver gives it, case-sensitive: `"H100"`. A browser offers one adapter only, and
   * often names no more than its vendor and architecture.
   */
  readonly adapter?: string;
  /**
   * One GPU of those that `gpus()` lists, by its UUID, its PCI address (`"0000:17:00.0"`) or its index. The device is of
   * this GPU or the call rejects, also beside other GPUs of the same name. It needs npm `koffi` on Linux; elsewhere GPUs
   * have an index alone, and are told apart by their names.
   *
   * An index means the same GPU for as long as the process lives.
   */
  readonly gpu?: string | number;
  /**
   * The GPU to use if the machine has no other. The software GPU also brings a Vulkan loader, with which `gpu` works
   * where that of the system is too old.
   */
  readonly fallback?: SoftwareGpu;
  /** Uses the fallback (in browsers, the browser's own) even if there is a GPU. */
  readonly software?: boolean;
  /**
   * What WebGPU does not have yet, in Node only; a browser has flags for it. Devices with different experiments do not
   * share an instance of WebGPU.
   * @default []
   */
  readonly experimental?: readonly Experiment[];
}
