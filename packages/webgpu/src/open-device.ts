import { ComputeError, type DeviceInfo } from "@kiln-gpu/core";
import { checkOptionNames, describeValue, optionNames } from "@kiln-gpu/core/backend";
import type { AdapterOptions } from "./adapter-options.js";
import { checkGpu } from "./check-gpu.js";
import { checkNode } from "./check-node.js";
import { describeDevice, nameAdapter } from "./describe-device.js";
import { checkExperiments, experimentFeatures, warnOfExperiments } from "./experiments.js";
import { findAdapter } from "./find-adapter.js";
import { DeviceNudge } from "./nudge-device.js";
import { hasOwnWebGpu } from "./own-web-gpu.js";
import { reclaimLater } from "./reclaim-device.js";
import { watchLoss } from "./watch-loss.js";

/**
 * The names of WebGPU's types that the declarations of Kiln use. A library of TypeScript without "DOM", or before
 * TypeScript 6, lacks them. Each merges with the real one.
 */
declare global {
  interface GPUBindGroup {}
  interface GPUBindGroupDescriptor {}
  interface GPUBindGroupLayout {}
  interface GPUBuffer {}
  interface GPUBufferDescriptor {}
  interface GPUCommandEncoder {}
  interface GPUCompilationMessage {}
  interface GPUComputePassEncoder {}
  interface GPUComputePassTimestampWrites {}
  interface GPUComputePipeline {}
  interface GPUDevice {}
  interface GPUError {}
}

export interface OpenDeviceOptions extends AdapterOptions {
  /**
   * Features that the device must have, by WebGPU's names: `["shader-f16"]`. Without this option it gets those of
   * `timestamp-query`, `shader-f16`, `subgroups` and `subgroup-size-control` that the adapter has.
   * @default []
   */
  readonly features?: readonly string[];
  /**
   * The caller's own device, which is used as it is and never destroyed. Or a function that opens one: it is called
   * again whenever another device is needed, and its devices are destroyed when they are no longer needed.
   */
  readonly device?: GPUDevice | (() => Promise<GPUDevice>);
}

/** A device, its description and its loss. */
export interface OpenDevice {
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
  /** The loss, once the device is lost. Calls on a lost device succeed silently, so check this before each step. */
  readonly loss: ComputeError | undefined;
  /** Whether `close` destroys the device; `false` for a caller's own device. */
  readonly isOwned: boolean;
  /**
   * Calls `listener` when the device is lost, also if `close` causes the loss; at once if it is lost already.
   * @returns A function that forgets the listener; `close` forgets all of them.
   */
  onLoss(listener: (loss: ComputeError) => void): () => void;
  /**
   * Call before awaiting GPU work. While a wait is open the device gets a tiny submission every 5 s: some drivers
   * report a loss only to new work.
   */
  beginWait(): void;
  /** Call after the wait, once for each `beginWait`. */
  endWait(): void;
  /**
   * Declares the device lost, with `loss` as the reason. A device that is stuck is destroyed only once its kernel ends;
   * to destroy it earlier would block this thread. A caller's own device is never destroyed.
   * @param onReclaimed Called once the device is destroyed, if that ever happens.
   */
  abandon(loss: ComputeError, onReclaimed?: () => void): void;
  /**
   * Destroys the device and waits until it is gone. A caller's own device and an abandoned one are not destroyed.
   */
  close(): Promise<void>;
}

export const deviceOptionNames = /* @__PURE__ */ optionNames<OpenDeviceOptions>({
  powerPreference: true,
  adapter: true,
  gpu: true,
  fallback: true,
  software: true,
  experimental: true,
  features: true,
  device: true,
});

/** Those of `options` that `openDevice` takes. */
export function deviceOptionsOf(options: OpenDeviceOptions): OpenDeviceOptions {
  const given = options as { readonly [name: string]: unknown };
  return Object.fromEntries([...deviceOptionNames].map((name) => [name, given[name]]));
}

// Features that a compute shader can use. The device gets those that the adapter has.
const wantedFeatures = ["timestamp-query", "shader-f16", "subgroups", "subgroup-size-control"];

/**
 * Opens a device with the adapter's own limits rather than WebGPU's small defaults.
 * @throws {ComputeError} `no-adapter` if there is no adapter as asked for, with those that there are; `invalid-option`.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<OpenDevice> {
  checkNode();
  checkOptionNames("openDevice", options, deviceOptionNames);
  checkValues(options);
  if (typeof options.device === "function") {
    const opened = await options.device();
    if (!isDevice(opened)) throw noDevice("its function resolved with", opened);
    checkFeatures(options, opened.features, "The device");
    return own(opened, describeDevice(opened), true);
  }
  if (options.device) checkFeatures(options, options.device.features, "The device");
  if (options.device) return own(options.device, describeDevice(options.device), false);
  const { device, adapterInfo } = await againWhileRestarting(() => requestDevice(options));
  device.addEventListener("uncapturederror", warnOfError);
  return own(device, describeDevice(device, adapterInfo), true);
}

/** While a browser's GPU process restarts, there is no adapter, or the adapter gives no device. So this asks again. */
export function againWhileRestarting<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((error: unknown) => {
    if (hasOwnWebGpu()) return ask();
    throw error;
  });
}

/**
 * A function of its own and not a closure in `openDevice`: npm webgpu never lets go of a listener, nor of what it
 * refers to.
 */
function warnOfError(event: GPUUncapturedErrorEvent): void {
  // Every step runs inside an error scope, so an error that arrives here has slipped past one.
  event.preventDefault();
  console.warn(`Kiln: a WebGPU error outside of any run: ${event.error.message}`);
}

async function requestDevice(
  options: OpenDeviceOptions,
): Promise<{ readonly device: GPUDevice; readonly adapterInfo: GPUAdapterInfo }> {
  const adapter = await findAdapter(options);
  const { experimental = [], features = [] } = options;
  checkFeatures(options, adapter.features, `The adapter "${nameAdapter(adapter.info)}"`);
  const wanted = [...wantedFeatures, ...experimental.flatMap((each) => experimentFeatures[each])];
  const offered = wanted.filter((feature) => adapter.features.has(feature));
  const requiredFeatures = [...new Set([...offered, ...features])] as GPUFeatureName[];
  warnOfExperiments(experimental);
  try {
    const device = await adapter.requestDevice({ requiredFeatures, requiredLimits: limitsOf(adapter) });
    return { device, adapterInfo: adapter.info };
  } catch (cause) {
    throw new ComputeError("no-adapter", `The adapter "${nameAdapter(adapter.info)}" does not give a device.`, {
      cause,
    });
  }
}

/** @throws {ComputeError} `no-adapter` with the features that are lacking. */
function checkFeatures({ features = [] }: OpenDeviceOptions, offered: ReadonlySet<string>, owner: string): void {
  const lacking = features.filter((feature) => !offered.has(feature));
  if (lacking.length === 0) return;
  const list = (names: Iterable<string>) => [...names].map((name) => `"${name}"`).join(", ");
  throw new ComputeError(
    "no-adapter",
    `${owner} lacks what the option "features" requires: ${list(lacking)}. It has ${list([...offered].sort()) || "none"}.`,
  );
}

function own(device: GPUDevice, info: DeviceInfo, isOwned: boolean): OpenDevice {
  let loss: ComputeError | undefined;
  let isAbandoned = false;
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
        `The device "${info.name}" is lost (${reason}): ${withoutFullStop(message) || "no reason given"}.`,
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
    abandon(reason, onReclaimed = () => undefined) {
      isAbandoned = true;
      lose(reason);
      if (isOwned) reclaimLater(device, onReclaimed);
    },
    async close() {
      if (isOwned && !isAbandoned) {
        device.destroy();
        await device.lost;
      }
      nudge.end();
      unwatch();
      listeners.clear();
    },
  };
}

/** Some platforms end their reason with a full stop, or with a line break after it. */
export function withoutFullStop(message: string): string {
  return message.trim().replace(/\.+$/u, "");
}

export function checkValues(options: OpenDeviceOptions): void {
  const { adapter, device, experimental, fallback, features, powerPreference, software } = options;
  const refuse = (name: string, given: unknown, expected: string) => {
    throw new ComputeError("invalid-option", `The option "${name}" must be ${expected}; got ${describeValue(given)}.`);
  };
  if (adapter !== undefined && (typeof adapter !== "string" || adapter === "")) {
    refuse("adapter", adapter, "part of an adapter's name");
  }
  checkGpu(options.gpu);
  if (powerPreference !== undefined && !["high-performance", "low-power"].includes(powerPreference)) {
    refuse("powerPreference", powerPreference, '"high-performance" or "low-power"');
  }
  if (fallback !== undefined && typeof fallback?.locate !== "function") {
    refuse("fallback", fallback, "`softwareGpu` of @kiln-gpu/software-gpu");
  }
  if (software !== undefined && typeof software !== "boolean") refuse("software", software, "true or false");
  if (features !== undefined && !(Array.isArray(features) && features.every((each) => typeof each === "string"))) {
    refuse("features", features, "a list of names of features");
  }
  checkExperiments(experimental);
  if (device !== undefined && typeof device !== "function" && !isDevice(device)) throw noDevice("got", device);
}

function isDevice(given: unknown): given is GPUDevice {
  return typeof (given as GPUDevice | undefined)?.createBuffer === "function";
}

function noDevice(how: string, given: unknown): ComputeError {
  return new ComputeError(
    "invalid-option",
    `The option "device" must be a GPUDevice or a function that opens one; ${how} ${describeValue(given)}.`,
  );
}

function limitsOf(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const limit = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof limit === "number") limits[name] = limit;
  }
  return limits;
}
