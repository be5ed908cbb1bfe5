import { ComputeError } from "@kiln-gpu/core";
import type { AdapterOptions } from "./adapter-options.js";
import { chooseGpu } from "./choose-gpu.js";
import { isSoftware, nameAdapter } from "./describe-device.js";
import { experimentFeatures } from "./experiments.js";
import { type FoundGpu, gpuOfName } from "./gpu-info.js";
import { noAdapterHere, noSuchAdapter } from "./no-adapter.js";
import { hasOwnWebGpu, isInPage, ownWebGpu } from "./own-web-gpu.js";
import { errorOfPage, obstacleOfPage } from "./page-obstacle.js";

/**
 * The adapter that these options ask for.
 * @throws {ComputeError} `no-adapter` if there is none, with what to do; `invalid-option`.
 */
export async function findAdapter(options: AdapterOptions): Promise<GPUAdapter> {
  const { adapter: adapterName, gpu, software } = options;
  if (gpu !== undefined && (software || adapterName !== undefined)) {
    const other = software ? "software" : "adapter";
    throw new ComputeError("invalid-option", `The options "gpu" and "${other}" exclude each other; got both.`);
  }
  if (software && adapterName !== undefined) {
    throw new ComputeError(
      "invalid-option",
      `The options "software" and "adapter" exclude each other; got both, the adapter "${adapterName}".`,
    );
  }
  if (hasOwnWebGpu() || isInPage()) return await findOwnAdapter(options);
  if (gpu !== undefined) return await (await import("./find-gpus-in-node.js")).findChosenAdapter(gpu, options);
  return await (await inNode()).findAdapterInNode(options);
}

/** Imported here and not above, so that a page never loads it. */
const inNode = () => import("./find-adapter-in-node.js");

/** The adapter that a browser or Deno gives. */
async function findOwnAdapter(options: AdapterOptions): Promise<GPUAdapter> {
  const { adapter: wanted, fallback, gpu, software, experimental = [] } = options;
  const obstacle = obstacleOfPage();
  if (obstacle) throw errorOfPage(obstacle);
  const { powerPreference } = gpu === undefined ? options : chooseGpu(gpu, await findOwnGpus());
  const request = { ...(powerPreference && { powerPreference }), ...(software && { forceFallbackAdapter: true }) };
  const adapter = await ownWebGpu()!.requestAdapter(request);
  if (!adapter || isOpenGlOfDeno(adapter)) {
    if (isInPage()) throw errorOfPage("no-adapter");
    if (fallback && wanted === undefined) return await (await inNode()).findSoftwareAdapter(fallback, options);
    throw noAdapterHere();
  }
  const name = nameAdapter(adapter.info);
  if (wanted !== undefined && !name.includes(wanted)) throw noSuchAdapter(wanted, [name]);
  if (software && !isSoftware(adapter.info)) {
    throw new ComputeError("no-adapter", `A software GPU is asked for, but this platform gives "${name}".`);
  }
  for (const experiment of experimental) {
    const features = experimentFeatures[experiment];
    if (features.length > 0 && features.every((feature) => adapter.features.has(feature))) continue;
    throw new ComputeError(
      "no-adapter",
      `The experiment "${experiment}" is asked for, but "${name}" does not offer it here. In Node it comes with npm ` +
        "`webgpu`; Chrome has some of its experiments behind chrome://flags/#enable-unsafe-webgpu.",
    );
  }
  return adapter;
}

/** The GPUs that a browser or Deno gives: one, or one for each power preference. */
export async function findOwnGpus(): Promise<(FoundGpu & Pick<AdapterOptions, "powerPreference">)[]> {
  const found = new Map<string, FoundGpu & Pick<AdapterOptions, "powerPreference">>();
  for (const powerPreference of ["high-performance", "low-power"] as const) {
    const adapter = await ownWebGpu()?.requestAdapter({ powerPreference });
    if (!adapter || isOpenGlOfDeno(adapter)) continue;
    const name = nameAdapter(adapter.info);
    if (!found.has(name)) found.set(name, { ...gpuOfName(name), powerPreference });
  }
  return [...found.values()];
}

/**
 * Whether an adapter of Deno's is one over OpenGL, which places the members of structs wrongly: it ignores `@align` and
 * `@size`. Such an adapter has no device number. Those over Metal have none either, but macOS gives no other.
 */
function isOpenGlOfDeno({ info }: GPUAdapter): boolean {
  const isDeno = "Deno" in globalThis;
  return isDeno && globalThis.process.platform !== "darwin" && info.device === "0";
}
