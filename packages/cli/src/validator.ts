/** Compiles shaders on a device, because text that parses may still be invalid. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ProgramVariant } from "@kiln-gpu/core/backend";
import { type LoadedProgram, variantOf, wholeVariants } from "@kiln-gpu/shader";
import { compileProgram, openDevice, type SoftwareGpu } from "@kiln-gpu/webgpu";

export interface Validator extends AsyncDisposable {
  readonly deviceName: string;
  /** @throws {ComputeError} `shader-compilation` with the device's errors; `limit-exceeded`; `device-lost`. */
  validate(entryPoints: readonly LoadedProgram[]): Promise<void>;
}

/**
 * Opens the machine's GPU. If there is none, opens `@kiln-gpu/software-gpu` if the project in `folder` has it.
 * @throws {ComputeError} `no-adapter`.
 */
export async function openValidator(folder: string): Promise<Validator> {
  const fallback = await softwareGpuOf(folder);
  const open = await openDevice(fallback ? { fallback } : {});
  return {
    deviceName: open.info.name,
    async validate(entryPoints) {
      for (const program of entryPoints) {
        const [variant] = wholeVariants({ program }, open.info.limits) as [ProgramVariant];
        const { split, immediate } = variant;
        await compileProgram(open, {
          ...program,
          label: "The shader",
          wgsl: variantOf(program, variant),
          split,
          immediate,
        });
      }
    },
    [Symbol.asyncDispose]: () => open.close(),
  };
}

/** Looks in the project. It is no dependency of this package: it has 75 MB and serves only validation without a GPU. */
async function softwareGpuOf(folder: string): Promise<SoftwareGpu | undefined> {
  let path: string;
  try {
    path = createRequire(join(folder, "package.json")).resolve("@kiln-gpu/software-gpu");
  } catch {
    return undefined;
  }
  const { softwareGpu } = (await import(pathToFileURL(path).href)) as { softwareGpu: SoftwareGpu };
  return softwareGpu;
}
