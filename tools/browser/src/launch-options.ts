import type { LaunchOptions } from "playwright";
import { unpackChromium } from "./unpack-chromium.js";

/** As root, and in containers without user namespaces, Chromium starts only with this. */
export const sandboxFlag = "--no-sandbox";

/** By these Chromium has WebGPU, on SwiftShader. */
export const webGpuFlags: readonly string[] = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** How Playwright starts the Chromium from npm, which is unpacked below `cache` first. */
export async function launchOptions(cache: string, flags: readonly string[]): Promise<LaunchOptions> {
  const { executable, libraries } = await unpackChromium(cache);
  return {
    executablePath: executable,
    args: [...flags],
    env: { ...(process.env as Record<string, string>), LD_LIBRARY_PATH: libraries },
  };
}
