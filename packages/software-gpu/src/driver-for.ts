import { ComputeError } from "@kiln-gpu/core";
import type { SoftwareDriver } from "@kiln-gpu/webgpu";

/** The platforms that have a package with a driver, by Node's names. */
const platforms: readonly string[] = ["linux-x64"];

/**
 * The files of the driver in the package for a platform.
 * @throws {ComputeError} `no-adapter` if there is no such package, or it is not installed.
 */
export function driverFor({ platform, arch }: { readonly platform: string; readonly arch: string }): SoftwareDriver {
  const { createRequire } = process.getBuiltinModule("node:module");
  const { dirname, join } = process.getBuiltinModule("node:path");
  if (!platforms.includes(`${platform}-${arch}`)) {
    throw new ComputeError(
      "no-adapter",
      `There is no software GPU for ${platform} ${arch}; there is one for ${platforms.join(", ").replaceAll("-", " ")}. ` +
        "Use a machine with a GPU; on Linux, Kiln also finds a recent Mesa, whose drivers can compute on the CPU.",
    );
  }
  const name = `@kiln-gpu/swiftshader-${platform}-${arch}`;
  let folder: string;
  try {
    folder = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "dist");
  } catch (cause) {
    throw new ComputeError(
      "no-adapter",
      `The package "${name}", which has the driver of the software GPU, is not installed. Install again with optional ` +
        "dependencies, on this platform.",
      { cause },
    );
  }
  return {
    library: join(folder, "libvulkan-swiftshader.so"),
    manifest: join(folder, "swiftshader.json"),
    configHome: join(folder, "config"),
    loader: join(folder, "libvulkan.so.1"),
  };
}
