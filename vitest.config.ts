import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests read the packages' sources; only tests of the built output need a build.
  resolve: { conditions: ["@kiln-gpu/source"] },
  ssr: { resolve: { conditions: ["@kiln-gpu/source"] } },
  test: {
    include: ["{packages,apps,tools}/*/src/**/*.test.ts"],
    // A worker thread that ends with a GPU map pending aborts its whole process; a child process does not.
    pool: "forks",
    execArgv: ["--expose-gc"],
    // What one run of the tests has measured must not decide another; tests of the store name a folder of their own.
    env: { KILN_STORE: "off" },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: process.env.CI ? ["default", ["json", { outputFile: ".cache/vitest.json" }]] : ["default"],
  },
});
