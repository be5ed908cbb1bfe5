import type { DeviceInfo } from "@kiln-gpu/core";
import { formatSize } from "./format.js";
import type { BenchOptions } from "./options.js";
import { maxSoftwareSize, type Suite } from "./suite.js";

/**
 * The head of every report: the device and the machine, and what ran.
 * @param options `host` names the runtime and its platform.
 */
export function headOf(
  device: DeviceInfo,
  suites: readonly Suite[],
  { sizes, host }: Pick<BenchOptions, "sizes"> & { readonly host: string },
): string {
  const { name, isSoftware, features } = device;
  const kind = isSoftware ? "a SOFTWARE GPU: the CPU computes, so these are not the figures of a GPU" : "a GPU";
  const kernels = [...new Set(suites.map(({ kernel }) => kernel))];
  const lines = [
    `Adapter    ${name}`,
    `           ${kind}`,
    `           timestamp queries: ${features.includes("timestamp-query") ? "yes" : "no"}`,
    `Kernel     ${kernels.join("\n           ")}; every result is checked`,
    `Host       ${host}`,
  ];
  if (isSoftware && sizes === undefined && suites.some(({ defaultSizes }) => defaultSizes.at(-1)! > maxSoftwareSize)) {
    lines.push(`Sizes      a software GPU stops at ${formatSize(maxSoftwareSize)} elements; --sizes asks for more`);
  }
  return lines.join("\n");
}
