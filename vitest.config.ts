import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { chromiumProject, hasChromium } from "./tools/browser/src/index.ts";

/** Whether this is the long form of the tests, `pnpm test:long`. */
const provide = { isLong: process.env.KILN_LONG === "1" };
/** Tests that assert types and nothing else. */
const typesAlone = ["packages/core/src/**/wgsl-bindings.test.ts"];
const conditions = ["@kiln-gpu/source"];

export default defineConfig({
  test: {
    // By default Vitest leaves one core idle, of two half the machine.
    maxWorkers: availableParallelism(),
    reporters: process.env.CI ? ["default", ["json", { outputFile: ".cache/vitest.json" }]] : ["default"],
    projects: [
      {
        // Tests read the packages' sources; only tests of the built output need a build.
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: {
          name: "node",
          provide,
          include: ["{packages,apps,tools}/*/src/**/*.test.ts"],
          exclude: ["**/*.browser.test.ts", ...typesAlone],
          // `tsc` must find no error in these.
          typecheck: {
            enabled: true,
            include: ["packages/core/src/**/types.test.ts", ...typesAlone],
            tsconfig: "packages/core/tsconfig.json",
          },
          // A worker thread that ends with a GPU map pending aborts its whole process; a child process does not.
          pool: "forks",
          execArgv: ["--expose-gc"],
          // What one run of the tests has measured must not decide another; tests of the store name a folder of their
          // own.
          env: { KILN_STORE: "off" },
          // A watchdog against hangs: a busy machine is slow.
          testTimeout: 180_000,
          expect: { poll: { timeout: 120_000 } },
          hookTimeout: 180_000,
        },
      },
      ...(hasChromium() ? [await chromiumProject(import.meta.dirname, ".cache", provide)] : []),
    ],
  },
});
