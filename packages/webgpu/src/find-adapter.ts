import { ComputeError } from "@kiln-gpu/core";
import type { AdapterOptions } from "./adapter-options.js";
import { isSoftware, nameAdapter } from "./describe-device.js";
import { experimentFeatures } from "./experiments.js";
import { noAdapterHere, noSuchAdapter } from "./no-adapter.js";
import { hasOwnWebGpu, isInPage, isOpenGlOfDeno, ownWebGpu } from "./own-web-gpu.js";
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

/** Imported here and not above: few pages choose. */
const ofOwnGpus = () => import("./own-gpus.js");

/** The adapter that a browser or Deno gives. */
async function findOwnAdapter(options: AdapterOptions): Promise<GPUAdapter> {
  const { adapter: wanted, fallback, gpu, software, experimental = [] } = options;
  const obstacle = obstacleOfPage();
  if (obstacle) throw errorOfPage(obstacle);
  const powerPreference = gpu === undefined ? options.powerPreference : await (await ofOwnGpus()).preferenceFor(gpu);
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
