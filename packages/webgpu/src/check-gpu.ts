import { ComputeError } from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";

export const uuidForm = /^(?:GPU-)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/iu;
export const pciForm = /^(?:([0-9a-f]{1,8}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])$/iu;

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
