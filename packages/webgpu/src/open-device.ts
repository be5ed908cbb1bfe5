import { ComputeError, type DeviceInfo } from "@kiln-gpu/core";
import { describeDevice, isSoftware, nameAdapter } from "./describe-device.js";
import { hasOwnWebGpu, openInstance } from "./instance.js";
import { isDriverInPlace, isLoaderInstalled, mayHaveGpu } from "./load-driver.js";
import { DeviceNudge } from "./nudge-device.js";
import { reclaimLater } from "./reclaim-device.js";
import type { SoftwareGpu } from "./software-gpu.js";
import { watchLoss } from "./watch-loss.js";

export interface OpenDeviceOptions {
  readonly powerPreference?: "high-performance" | "low-power";
  /**
   * Part of the adapter's name as the driver gives it, case-sensitive: `"H100"`. A browser offers one adapter, and of its name often no
   * more than the vendor and the architecture; another than the one it offers cannot be had there.
   */
  readonly adapter?: string;
  /** The GPU to use where no other is found. */
  readonly fallback?: SoftwareGpu;
  /** Uses the fallback (in browsers, the browser's own) even where there is a GPU. */
  readonly software?: boolean;
  /**
   * A device of the caller's own, which is used as it is and never destroyed; or a function that opens one, which is called again
   * whenever another is needed, and whose devices are destroyed when they no longer are.
   */
  readonly device?: GPUDevice | (() => Promise<GPUDevice>);
}

/** A device with what is known of it. */
export interface OpenDevice {
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
  /** The loss, once it happened. Calls on a lost device succeed silently, so this is asked before each step. */
  readonly loss: ComputeError | undefined;
  /** Whether `close` destroys the device: not so for a caller's own. */
  readonly isOwned: boolean;
  /**
   * Calls `listener` at the loss, whoever caused it, `close` included, or at once where it has happened.
   * @returns A function that forgets the listener; `close` forgets all of them.
   */
  onLoss(listener: (loss: ComputeError) => void): () => void;
  /** Said before something is waited for that the device must end, so that its loss is found out even where its driver is silent. */
  beginWait(): void;
  /** Said after it, once for each `beginWait`. */
  endWait(): void;
  /**
   * Takes the device for lost, for this reason, and leaves it alone from then on, until what holds it has ended: to destroy a device that is stuck
   * would block for as long.
   * @param onReclaimed Called if that happens; the device, unless it is the caller's own, is destroyed then.
   */
  giveUp(loss: ComputeError, onReclaimed?: () => void): void;
  /** Destroys the device, unless it is the caller's own or given up; waits until it is gone. */
  close(): Promise<void>;
}

// Features that a compute shader can use; each is asked for where the adapter has it.
const wantedFeatures = ["timestamp-query", "shader-f16", "subgroups"];

/**
 * Opens a device with the adapter's own limits, not WebGPU's small defaults.
 * @throws {ComputeError} `no-adapter` when there is none, saying what was asked for and what there is; `invalid-option`.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<OpenDevice> {
  checkOptions(options);
  if (typeof options.device === "function") {
    const opened = await options.device();
    if (!isDevice(opened)) throw noDevice("a function that resolves with", opened);
    return own(opened, describeDevice(opened), true);
  }
  if (options.device) return own(options.device, describeDevice(options.device), false);
  const device = await requestDevice(options).catch((error: unknown) => {
    // While a browser's GPU process dies and starts again its adapters give no device, or there are none.
    if (hasOwnWebGpu()) return requestDevice(options);
    throw error;
  });
  device.addEventListener("uncapturederror", warnOfError);
  return own(device, describeDevice(device), true);
}

/** A listener of its own, not a closure in `openDevice`: npm webgpu never lets go of it, nor of what it refers to. */
function warnOfError(event: GPUUncapturedErrorEvent): void {
  // Every step runs inside an error scope: what arrives here slipped past one, and silence would hide it.
  event.preventDefault();
  console.warn(`Kiln: a WebGPU error outside of any run: ${event.error.message}`);
}

async function requestDevice(options: OpenDeviceOptions): Promise<GPUDevice> {
  const adapter = await findAdapter(options);
  const requiredFeatures = wantedFeatures.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[];
  try {
    return await adapter.requestDevice({ requiredFeatures, requiredLimits: limitsOf(adapter) });
  } catch (cause) {
    throw new ComputeError("no-adapter", `The adapter "${nameAdapter(adapter.info)}" gives no device.`, { cause });
  }
}

function own(device: GPUDevice, info: DeviceInfo, isOwned: boolean): OpenDevice {
  let loss: ComputeError | undefined;
  let isGivenUp = false;
  const listeners = new Set<(loss: ComputeError) => void>();
  const nudge = new DeviceNudge(device);
  const lose = (reason: ComputeError) => {
    if (loss) return;
    loss = reason;
    nudge.end();
    for (const listener of [...listeners]) listener(loss);
    listeners.clear();
  };
  const unwatch = watchLoss(device, ({ reason, message }) =>
    lose(
      new ComputeError(
        "device-lost",
        `The device "${info.name}" is lost (${reason}): ${message || "no reason given"}.`,
      ),
    ),
  );
  return {
    device,
    info,
    isOwned,
    get loss() {
      return loss;
    },
    onLoss(listener) {
      if (loss) listener(loss);
      else listeners.add(listener);
      return () => listeners.delete(listener);
    },
    beginWait: () => nudge.beginWait(),
    endWait: () => nudge.endWait(),
    giveUp(reason, onReclaimed = () => undefined) {
      isGivenUp = true;
      lose(reason);
      if (isOwned) reclaimLater(device, onReclaimed);
    },
    async close() {
      if (isOwned && !isGivenUp) {
        device.destroy();
        await device.lost;
      }
      nudge.end();
      unwatch();
      listeners.clear();
    },
  };
}

/** A user's mistake is told before WebGPU or the driver stumbles over it. */
function checkOptions({ adapter, device, fallback, powerPreference }: OpenDeviceOptions): void {
  const refuse = (name: string, given: unknown, expected: string) => {
    throw new ComputeError(
      "invalid-option",
      `A device is opened with the ${name} ${String(given)}; expected is ${expected}.`,
    );
  };
  if (adapter !== undefined && (typeof adapter !== "string" || adapter === "")) {
    refuse("adapter", adapter, "a part of an adapter's name");
  }
  if (powerPreference !== undefined && !["high-performance", "low-power"].includes(powerPreference)) {
    refuse("powerPreference", powerPreference, '"high-performance" or "low-power"');
  }
  if (fallback !== undefined && typeof fallback?.locate !== "function") {
    refuse("fallback", fallback, "`softwareGpu` of @kiln-gpu/software-gpu");
  }
  if (device !== undefined && typeof device !== "function" && !isDevice(device)) throw noDevice("the device", device);
}

function isDevice(given: unknown): given is GPUDevice {
  return typeof (given as GPUDevice | undefined)?.createBuffer === "function";
}

function noDevice(subject: string, given: unknown): ComputeError {
  return new ComputeError(
    "invalid-option",
    `A device is opened with ${subject} ${String(given)}; expected is a GPUDevice, or a function that opens one.`,
  );
}

async function findAdapter(options: OpenDeviceOptions): Promise<GPUAdapter> {
  const { adapter: adapterName, fallback, software } = options;
  if (software && adapterName !== undefined) {
    throw new ComputeError(
      "invalid-option",
      `Both \`software\` and the adapter "${adapterName}" are asked for; a device has one adapter, so give one of them.`,
    );
  }
  if (hasOwnWebGpu()) return await findOwnAdapter(options);
  if (software && !fallback) {
    throw new ComputeError(
      "no-adapter",
      "A software GPU is asked for but none is given; pass `fallback: softwareGpu`.",
    );
  }
  if (software) return await findSoftwareAdapter(fallback!);
  // Where there is no GPU a look finds at most drivers that compute on the CPU, and makes Mesa and Dawn print warnings.
  if (fallback && adapterName === undefined && !mayHaveGpu()) return await findSoftwareAdapter(fallback);
  const { adapter, reason } = await lookForGpu(options);
  if (adapter) return adapter;
  if (fallback) return await findSoftwareAdapter(fallback);
  throw new ComputeError(
    "no-adapter",
    "There is no WebGPU adapter on this machine. Install a GPU driver with Vulkan, Metal or Direct3D 12, or pass " +
      "`fallback: softwareGpu` of @kiln-gpu/software-gpu.",
    { cause: reason },
  );
}

/** The adapter that a browser or Deno gives. */
async function findOwnAdapter({ adapter: wanted, powerPreference, software }: OpenDeviceOptions): Promise<GPUAdapter> {
  const request = { ...(powerPreference && { powerPreference }), ...(software && { forceFallbackAdapter: true }) };
  const adapter = await (await openInstance()).requestAdapter(request);
  if (!adapter) {
    throw new ComputeError("no-adapter", "This browser gives no WebGPU adapter; its settings may forbid one.");
  }
  const name = nameAdapter(adapter.info);
  if (wanted !== undefined && !name.includes(wanted)) throw noSuchAdapter(wanted, [name]);
  if (software && !isSoftware(adapter.info)) {
    throw new ComputeError("no-adapter", `A software GPU is asked for, but this platform gives "${name}".`);
  }
  return adapter;
}

/** @returns The adapter of a GPU; if there is none, what WebGPU says of it. */
async function lookForGpu({
  adapter: wanted,
  powerPreference,
}: OpenDeviceOptions): Promise<{ readonly adapter?: GPUAdapter; readonly reason?: unknown }> {
  if (isDriverInPlace() && isLoaderInstalled() && (wanted !== undefined || mayHaveGpu())) {
    throw new ComputeError(
      "no-adapter",
      "No GPU can be found in this process any more: a software GPU was opened in it before, in place of the Vulkan loader. " +
        "Open the GPU before the software GPU, or in another process.",
    );
  }
  let reason: unknown;
  try {
    const instance = await openInstance({ adapterName: wanted });
    const adapter = await instance.requestAdapter(powerPreference && { powerPreference });
    if (adapter) return { adapter };
  } catch (error) {
    reason = error;
  }
  if (wanted === undefined) return { reason };
  // Dawn's error lists the adapters that there are. A caller who names an adapter wants no other.
  const names = [...String(reason).matchAll(/name: '([^']*)'/g)].map(([, name]) => name!);
  throw noSuchAdapter(wanted, names, reason);
}

/** @throws {ComputeError} `no-adapter` if WebGPU finds no adapter, or one that is not a software GPU. */
async function findSoftwareAdapter(software: SoftwareGpu): Promise<GPUAdapter> {
  const adapter = await (await openInstance({ software })).requestAdapter();
  if (adapter && isSoftware(adapter.info)) return adapter;
  const found = adapter ? `"${nameAdapter(adapter.info)}"` : "no adapter";
  throw new ComputeError(
    "no-adapter",
    `The software GPU "${software.name}" is asked for, but WebGPU finds ${found}. A Vulkan loader was in this process before, and does ` +
      "not find the driver that Kiln names to it in the environment. Open the software GPU first in this process; a worker thread can " +
      "also be started with `env: SHARE_ENV`.",
  );
}

function noSuchAdapter(wanted: string, names: readonly string[], cause?: unknown): ComputeError {
  const found = names.length > 0 ? names.map((name) => `"${name}"`).join(", ") : "none";
  return new ComputeError("no-adapter", `No adapter's name contains "${wanted}"; found: ${found}.`, { cause });
}

function limitsOf(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const limit = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof limit === "number") limits[name] = limit;
  }
  return limits;
}
