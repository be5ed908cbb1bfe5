import { ComputeError } from "@kiln-gpu/core";
import { isSoftware, nameAdapter } from "./describe-device.js";
import { hasOwnWebGpu, isInPage, openInstance } from "./instance.js";
import { isDriverInPlace, isLoaderInstalled, mayHaveGpu } from "./load-driver.js";
import { errorOfPage, obstacleOfPage } from "./page-obstacle.js";
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
}

/**
 * The adapter that these options ask for.
 * @throws {ComputeError} `no-adapter` if there is none, with what to do; `invalid-option`.
 */
export async function findAdapter(options: AdapterOptions): Promise<GPUAdapter> {
  const { adapter: adapterName, fallback, software } = options;
  if (software && adapterName !== undefined) {
    throw new ComputeError(
      "invalid-option",
      `The options "software" and "adapter" exclude each other; got both, the adapter "${adapterName}".`,
    );
  }
  if (hasOwnWebGpu() || isInPage()) return await findOwnAdapter(options);
  if (software && !fallback) {
    throw new ComputeError(
      "no-adapter",
      'The option "software" needs a software GPU; pass `fallback: softwareGpu` of @kiln-gpu/software-gpu.',
    );
  }
  if (software) return await findSoftwareAdapter(fallback!);
  // Where there is no GPU a look finds at most drivers that compute on the CPU, and makes Mesa and Dawn print warnings.
  if (fallback && adapterName === undefined && !mayHaveGpu()) return await findSoftwareAdapter(fallback);
  const { adapter, reason } = await lookForGpu(options);
  if (adapter) return adapter;
  if (fallback) return await findSoftwareAdapter(fallback);
  throw noAdapterHere(reason);
}

/** The adapter that a browser or Deno gives. */
async function findOwnAdapter(options: AdapterOptions): Promise<GPUAdapter> {
  const { adapter: wanted, fallback, powerPreference, software } = options;
  const obstacle = obstacleOfPage();
  if (obstacle) throw errorOfPage(obstacle);
  const request = { ...(powerPreference && { powerPreference }), ...(software && { forceFallbackAdapter: true }) };
  const adapter = await (await openInstance()).requestAdapter(request);
  if (!adapter || isOpenGlOfDeno(adapter)) {
    if (isInPage()) throw errorOfPage("no-adapter");
    if (fallback && wanted === undefined) return await findSoftwareAdapter(fallback);
    throw noAdapterHere();
  }
  const name = nameAdapter(adapter.info);
  if (wanted !== undefined && !name.includes(wanted)) throw noSuchAdapter(wanted, [name]);
  if (software && !isSoftware(adapter.info)) {
    throw new ComputeError("no-adapter", `A software GPU is asked for, but this platform gives "${name}".`);
  }
  return adapter;
}

/**
 * Whether an adapter of Deno's is one over OpenGL, which places the members of structs wrongly: it ignores `@align` and
 * `@size`. Such an adapter has no device number. Those over Metal have none either, but macOS gives no other.
 */
function isOpenGlOfDeno({ info }: GPUAdapter): boolean {
  const isDeno = "Deno" in globalThis;
  return isDeno && process.platform !== "darwin" && info.device === "0";
}

/** @returns The adapter of a GPU; if there is none, the reason that WebGPU gives. */
async function lookForGpu({
  adapter: wanted,
  powerPreference,
}: AdapterOptions): Promise<{ readonly adapter?: GPUAdapter; readonly reason?: unknown }> {
  if (isDriverInPlace() && isLoaderInstalled() && (wanted !== undefined || mayHaveGpu())) {
    throw new ComputeError(
      "no-adapter",
      "This process cannot find a GPU any more: it has opened a software GPU, which took the place of the Vulkan loader. " +
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
    `The software GPU "${software.name}" is asked for, but WebGPU finds ${found}. This process had loaded a Vulkan ` +
      "loader before, and that loader does not find the driver which Kiln names in the environment. Open the software GPU " +
      "first in this process, or start the worker thread with `env: SHARE_ENV`.",
  );
}

function noAdapterHere(cause?: unknown): ComputeError {
  return new ComputeError(
    "no-adapter",
    "There is no WebGPU adapter on this machine. Install a GPU driver with Vulkan, Metal or Direct3D 12, or pass " +
      "`fallback: softwareGpu` of @kiln-gpu/software-gpu.",
    { cause },
  );
}

function noSuchAdapter(wanted: string, names: readonly string[], cause?: unknown): ComputeError {
  const found = names.length > 0 ? names.map((name) => `"${name}"`).join(", ") : "none";
  return new ComputeError("no-adapter", `No adapter's name contains "${wanted}"; found: ${found}.`, { cause });
}
