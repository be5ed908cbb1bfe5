import { playwright } from "@vitest/browser-playwright";
import type { ProvidedContext } from "vitest";
import type { TestProjectInlineConfiguration } from "vitest/config";
import { crashGpuProcess } from "./crash-gpu-process.js";
import { launchOptions } from "./launch-options.js";

/**
 * The vitest project whose test files, `*.browser.test.ts`, run in Chromium on its software GPU.
 * @param provide What tests read by `inject`.
 */
export async function chromiumProject(
  root: string,
  cache: string,
  provide: ProvidedContext,
): Promise<TestProjectInlineConfiguration> {
  const options = await launchOptions(cache);
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
          launchOptions: { ...options, args: [...options.args, "--js-flags=--expose-gc"] },
        }),
        instances: [{ browser: "chromium" }],
        commands: { crashGpuProcess },
      },
    },
  };
}
