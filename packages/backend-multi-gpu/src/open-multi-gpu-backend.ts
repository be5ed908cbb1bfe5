import {
  openPersistentBackend,
  type PersistentBackendOptions,
  type PersistentComputeBackend,
} from "@kiln-gpu/backend-persistent";
import { ComputeError, type Tracer } from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";
import { checkGpu, chooseGpu, type GpuInfo, gpus as listGpus } from "@kiln-gpu/webgpu";
import { Member } from "./member.js";
import { MultiGpuBackend } from "./multi-gpu-backend.js";
import type { MultiGpuComputeBackend } from "./multi-gpu-compute-backend.js";

/** Options of the persistent backend that choose a device. */
const choosing = ["gpu", "adapter", "device", "software", "powerPreference"] as const;

/** Those of the persistent backend on each GPU, so that `byteBudget` is one GPU's. */
export interface MultiGpuOptions extends Omit<PersistentBackendOptions, (typeof choosing)[number]> {
  /**
   * The GPUs, as `gpus()` lists them: all that are not software, or if there are no others, the software ones. Or a list
   * of some, each by UUID, PCI address or index.
   * @default "all"
   */
  readonly gpus?: "all" | readonly (string | number)[];
}

/**
 * Opens a persistent backend on each of several GPUs, as one backend.
 * @throws {ComputeError} `no-adapter` if there is no such GPU, or one cannot be opened apart from others;
 *   `invalid-option`.
 */
export async function openMultiGpuBackend(options: MultiGpuOptions = {}): Promise<MultiGpuComputeBackend> {
  const { gpus: wanted = "all", ...shared } = options;
  checkWanted(wanted);
  for (const name of choosing) {
    if ((shared as PersistentBackendOptions)[name] === undefined) continue;
    throw new ComputeError(
      "invalid-option",
      `openMultiGpuBackend has no option "${name}"; "gpus" says which GPUs it opens.`,
    );
  }
  const { fallback, lossRetries = 1, tracer } = shared;
  const found = await listGpus({ ...(fallback && { fallback }) });
  const chosen = wanted === "all" ? allOf(found) : someOf(wanted, found);
  const opening = chosen.map((gpu) =>
    openPersistentBackend({
      ...shared,
      gpu: nameOf(gpu, found),
      ...(tracer && { tracer: tracerOf(gpu, tracer) }),
    }),
  );
  return new MultiGpuBackend(members(chosen, await allOrNone(opening)), lossRetries);
}

function members(chosen: readonly GpuInfo[], backends: readonly PersistentComputeBackend[]): Member[] {
  return chosen.map((gpu, i) => new Member(gpu, backends[i]!));
}

function checkWanted(wanted: unknown): void {
  if (wanted === "all") return;
  if (!Array.isArray(wanted) || wanted.length === 0) {
    throw new ComputeError(
      "invalid-option",
      `openMultiGpuBackend: "gpus" must be "all" or a list of one or more GPUs; got ${describeValue(wanted)}.`,
    );
  }
  for (const gpu of wanted) checkGpu(gpu ?? null);
}

function allOf(found: readonly GpuInfo[]): readonly GpuInfo[] {
  if (found.length === 0) {
    throw new ComputeError(
      "no-adapter",
      "There is no GPU on this machine. Install a GPU driver with Vulkan, Metal or Direct3D 12, or pass " +
        "`fallback: softwareGpu` of @kiln-gpu/software-gpu.",
    );
  }
  const real = found.filter(({ kind }) => kind !== "software");
  // Two drivers of one GPU list it twice, with the same address.
  const isFirst = ({ pciAddress }: GpuInfo, i: number, all: readonly GpuInfo[]) =>
    pciAddress === undefined || all.findIndex((other) => other.pciAddress === pciAddress) === i;
  return real.length > 0 ? real.filter(isFirst) : found;
}

function someOf(wanted: readonly (string | number)[], found: readonly GpuInfo[]): readonly GpuInfo[] {
  const chosen = wanted.map((gpu) => chooseGpu(gpu, found));
  const twice = chosen.findIndex((gpu, i) => chosen.indexOf(gpu) !== i);
  if (twice < 0) return chosen;
  throw new ComputeError(
    "invalid-option",
    `openMultiGpuBackend: "gpus" names the GPU ${chosen[twice]!.index}, "${chosen[twice]!.name}", twice.`,
  );
}

/** By what this GPU is opened: its UUID, unless another driver lists the same one. */
function nameOf({ uuid, index }: GpuInfo, found: readonly GpuInfo[]): string | number {
  const isAlone = uuid !== undefined && found.filter((other) => other.uuid === uuid).length === 1;
  return isAlone ? uuid : index;
}

/** Spans count from 1 for each backend, so a trace must tell the backends apart. */
function tracerOf({ index }: GpuInfo, tracer: Tracer): Tracer {
  return {
    get isEnabled() {
      return tracer.isEnabled ?? true;
    },
    record: (event) => tracer.record({ ...event, backend: `${event.backend} on GPU ${index}` }),
  };
}

/** All backends, or the reason why one does not open; the others are then disposed. */
async function allOrNone(opening: readonly Promise<PersistentComputeBackend>[]): Promise<PersistentComputeBackend[]> {
  const ends = await Promise.allSettled(opening);
  const failed = ends.find((end) => end.status === "rejected");
  const opened = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
  if (!failed) return opened;
  await Promise.all(opened.map((backend) => backend.dispose()));
  throw failed.reason;
}
