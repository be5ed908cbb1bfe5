/** Compiles shaders on a device, because text that parses may still be invalid. */
import type { DeviceLimits } from "@kiln-gpu/core";
import { layOutPipeline, type ProgramVariant } from "@kiln-gpu/core/backend";
import { type LoadedProgram, variantOf, wholeVariants } from "@kiln-gpu/shader";
import { compileProgram, openDevice } from "@kiln-gpu/webgpu";
import { findSoftwareGpu } from "./find-software-gpu.js";

export interface Validator extends AsyncDisposable {
  readonly deviceName: string;
  readonly limits: DeviceLimits;
  /** @throws {ComputeError} `shader-compilation` with the device's errors; `limit-exceeded`; `device-lost`. */
  validate(entryPoints: readonly LoadedProgram[]): Promise<void>;
}

/**
 * Opens the machine's GPU. If there is none, opens `@kiln-gpu/software-gpu` if the project in `folder` or this
 * package's own installation has it.
 * @throws {ComputeError} `no-adapter`.
 */
export async function openValidator(folder: string): Promise<Validator> {
  const fallback = await findSoftwareGpu(folder);
  const open = await openDevice(fallback ? { fallback } : {});
  return {
    deviceName: open.info.name,
    limits: open.info.limits,
    async validate(entryPoints) {
      for (const program of entryPoints) {
        const [variant] = wholeVariants({ program }, open.info.limits) as [ProgramVariant];
        const layout = layOutPipeline("The shader", program.interface, variant, open.info.limits);
        await compileProgram(open, { ...program, label: "The shader", wgsl: variantOf(program, layout), layout });
      }
    },
    [Symbol.asyncDispose]: () => open.close(),
  };
}
