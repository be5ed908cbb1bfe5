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
  /** The GPU to use if the machine has no other. */
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
