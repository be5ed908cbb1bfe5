import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { SoftwareGpu } from "@kiln-gpu/webgpu";

/**
 * Looks for the software GPU in the project in `folder`, then beside this package. It is no dependency of this package,
 * because a machine with a GPU does not need it.
 */
export async function findSoftwareGpu(folder: string): Promise<SoftwareGpu | undefined> {
  for (const from of [join(folder, "package.json"), fileURLToPath(import.meta.url)]) {
    for (const name of ["@kiln-gpu/software-gpu", "kiln-gpu"]) {
      let path: string;
      try {
        path = createRequire(from).resolve(name);
      } catch {
        continue;
      }
      const { softwareGpu } = (await import(pathToFileURL(path).href)) as { softwareGpu: SoftwareGpu };
      return softwareGpu;
    }
  }
  return undefined;
}
