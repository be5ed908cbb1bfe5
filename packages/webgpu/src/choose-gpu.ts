import { ComputeError } from "@kiln-gpu/core";
import { pciForm, uuidForm } from "./check-gpu.js";
import type { GpuInfo } from "./gpu-info.js";

/**
 * The one of `found` that `gpu`, which has been checked, names.
 * @throws {ComputeError} `no-adapter` if there is none or more than one, with those that there are.
 */
export function chooseGpu<G extends GpuInfo>(gpu: string | number, found: readonly G[]): G {
  const named = typeof gpu === "number" ? found.filter(({ index }) => index === gpu) : namedIn(gpu, found);
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

function namedIn<G extends GpuInfo>(gpu: string, found: readonly G[]): G[] {
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
export function showGpus(found: readonly GpuInfo[]): string {
  const show = ({ index, name, uuid, pciAddress }: GpuInfo) =>
    [`${index} is "${name}"`, uuid && `UUID ${uuid}`, pciAddress && `PCI address ${pciAddress}`]
      .filter((word) => word)
      .join(", ");
  return found.length === 0 ? "none" : found.map(show).join("; ");
}
