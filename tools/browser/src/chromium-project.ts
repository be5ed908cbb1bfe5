import { playwright } from "@vitest/browser-playwright";
import type { ProvidedContext } from "vitest";
import type { TestProjectInlineConfiguration } from "vitest/config";
import { crashGpuProcess } from "./crash-gpu-process.js";
import { launchOptions, sandboxFlag, webGpuFlags } from "./launch-options.js";

const flags = [
  sandboxFlag,
  ...webGpuFlags,
  // A page whose GPU process has died is denied WebGPU for minutes, and after three of them so is every page.
  "--disable-gpu-process-crash-limit",
  "--disable-domain-blocking-for-3d-apis",
  // Pages have shared memory only where their server says so; these may.
  "--enable-features=SharedArrayBuffer",
  "--js-flags=--expose-gc",
];

/**
 * The vitest project whose test files, `*.browser.test.ts`, run in Chromium on its software GPU.
 * @param provide What tests read by `inject`.
 */
export async function chromiumProject(
  root: string,
  cache: string,
  provide: ProvidedContext,
): Promise<TestProjectInlineConfiguration> {
  return {
    root,
    resolve: {
      conditions: ["@kiln-gpu/source"],
      // The same compiler with its WebAssembly inside.
      alias: [
        {
          find: "@webgpu/glslang/dist/node-devel/glslang.js",
          replacement: "@webgpu/glslang/dist/web-devel-onefile/glslang.js",
        },
      ],
    },
    test: {
      name: "chromium",
      provide,
      include: ["{packages,apps,tools}/*/src/**/*.browser.test.ts"],
      // A watchdog against hangs: a busy machine is slow.
      testTimeout: 180_000,
      expect: { poll: { timeout: 120_000 } },
      hookTimeout: 180_000,
      // They share one GPU process, and one of them kills it.
      fileParallelism: false,
      // After the tests in Node: a browser has many processes, and takes the cores that those count on.
      sequence: { groupOrder: 1 },
      // Once in some thirty runs a map in Chromium was never answered, for no reason that was found.
      retry: 1,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({
          launchOptions: await launchOptions(cache, flags),
        }),
        instances: [{ browser: "chromium" }],
        commands: { crashGpuProcess },
      },
    },
  };
}
