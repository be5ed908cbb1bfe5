import { type ComputeError, isComputeError } from "@kiln-gpu/core";
import { checkOptionNames, optionNames } from "@kiln-gpu/core/backend";
import type { AdapterOptions } from "./adapter-options.js";
import { checkNode } from "./check-node.js";
import { isSoftware, nameAdapter } from "./describe-device.js";
import { findAdapter } from "./find-adapter.js";
import { againWhileRestarting, checkValues } from "./open-device.js";
import { obstacleOfPage } from "./page-obstacle.js";

/** Whether a device can be opened, and if not, why. */
export type WebGpuState =
  | {
      readonly state: "available";
      /** The adapter's name, as `openDevice` would give it. */
      readonly name: string;
      readonly isSoftware: boolean;
    }
  | {
      /**
       * - `insecure-context`: the page is not served over https or from localhost.
       * - `unsupported`: the browser has no WebGPU.
       * - `no-adapter`: there is WebGPU, but no adapter as asked for; or a browser denies one after its GPU process has
       *   crashed.
       */
      readonly state: "insecure-context" | "unsupported" | "no-adapter";
      /** What `openDevice` would reject with; its message says what to do. */
      readonly error: ComputeError;
    };

const adapterOptionNames = /* @__PURE__ */ optionNames<AdapterOptions>({
  adapter: true,
  experimental: true,
  fallback: true,
  gpu: true,
  powerPreference: true,
  software: true,
});

/**
 * Tells whether WebGPU can be used here, without opening a device.
 * @param options As for `openDevice`: with a `fallback`, a machine without a GPU is `available`.
 * @throws {ComputeError} `invalid-option`.
 */
export async function checkWebGpu(options: AdapterOptions = {}): Promise<WebGpuState> {
  checkOptionNames("checkWebGpu", options, adapterOptionNames);
  checkValues(options);
  try {
    checkNode();
    const { info } = await againWhileRestarting(() => findAdapter(options));
    return { state: "available", name: nameAdapter(info), isSoftware: isSoftware(info) };
  } catch (error) {
    if (!isComputeError(error, "no-adapter")) throw error;
    return { state: obstacleOfPage() ?? "no-adapter", error };
  }
}
