/** Reads the option `gpu`, and finds the GPU that it names. */
import { ComputeError } from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";
import type { FoundGpu } from "./gpu-info.js";

const uuidForm = /^(?:GPU-)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/iu;
const pciForm = /^(?:([0-9a-f]{1,8}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])$/iu;

/** @throws {ComputeError} `invalid-option` if `gpu` has no form that names a GPU. */
export function checkGpu(gpu: unknown): void {
  if (gpu === undefined) return;
  if (typeof gpu === "number" && Number.isInteger(gpu) && gpu >= 0) return;
  if (typeof gpu === "string" && (uuidForm.test(gpu) || pciForm.test(gpu))) return;
  throw new ComputeError(
    "invalid-option",
    'The option "gpu" must be the UUID, the PCI address ("0000:17:00.0") or the index (0 or more) of a GPU that ' +
      `\`gpus()\` lists; got ${describeValue(gpu)}.`,
  );
}

/**
 * The one of `found` that `gpu`, which has been checked, names.
 * @throws {ComputeError} `no-adapter` if there is none or more than one, with those that there are.
 */
export function chooseGpu<G extends FoundGpu>(gpu: string | number, found: readonly G[]): G {
  const named = typeof gpu === "number" ? found.filter((_, index) => index === gpu) : namedIn(gpu, found);
  if (named.length === 1) return named[0]!;
  const subject = typeof gpu === "number" ? `the index ${gpu}` : `"${gpu}"`;
  const count = named.length === 0 ? "No GPU has" : `${named.length} GPUs have`;
  throw new ComputeError(
    "no-adapter",
    `${count} ${subject}; found: ${showGpus(found)}.${adviceFor(gpu, found, named)}`,
  );
}

function adviceFor(gpu: string | number, found: readonly object[], named: readonly object[]): string {
  if (named.length > 1) return " Give the index of one.";
  const isLinux = found.some((each) => "uuid" in each && each.uuid !== undefined);
  if (typeof gpu === "number" || found.length === 0 || isLinux) return "";
  return " UUIDs and PCI addresses are known only in Node on Linux; give an index here.";
}

function namedIn<G extends FoundGpu>(gpu: string, found: readonly G[]): G[] {
  const uuid = uuidForm.exec(gpu)?.[1]?.toLowerCase();
  if (uuid !== undefined) return found.filter((each) => each.uuid === uuid);
  const address = partsOf(gpu);
  return found.filter((each) => each.pciAddress !== undefined && partsOf(each.pciAddress) === address);
}

/** A PCI address in one form: tools write its domain with four digits, with eight, or not at all. */
function partsOf(address: string): string {
  const [, domain = "0", bus, device, part] = pciForm.exec(address)!;
  return [domain, bus!, device!, part!].map((hex) => Number.parseInt(hex, 16)).join(":");
}

/** Lists GPUs in an error. */
export function showGpus(found: readonly FoundGpu[]): string {
  const show = ({ name, uuid, pciAddress }: FoundGpu, index: number) =>
    [`${index} is "${name}"`, uuid && `UUID ${uuid}`, pciAddress && `PCI address ${pciAddress}`]
      .filter((word) => word)
      .join(", ");
  return found.length === 0 ? "none" : found.map(show).join("; ");
}
