import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["src/environments.check.ts"],
    reporters: process.env.CI
      ? ["default", ["json", { outputFile: `${import.meta.dirname}/../../.cache/vitest.json` }]]
      : ["default"],
    // A watchdog against hangs: a busy machine is slow.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
