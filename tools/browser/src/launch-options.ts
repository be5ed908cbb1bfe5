import { unpackChromium } from "./unpack-chromium.js";

const flags = [
  // As root, and in containers without user namespaces, Chromium starts only so.
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  // A page whose GPU process has died is denied WebGPU for minutes, and after three of them so is every page.
  "--disable-gpu-process-crash-limit",
  "--disable-domain-blocking-for-3d-apis",
  // Pages have shared memory only where their server says so; these may.
  "--enable-features=SharedArrayBuffer",
];

/** What playwright needs to start the Chromium from npm, with WebGPU on its software GPU. */
export async function launchOptions(cache: string) {
  const { executable, libraries } = await unpackChromium(cache);
  return { executablePath: executable, args: flags, env: { ...process.env, LD_LIBRARY_PATH: libraries } };
}
