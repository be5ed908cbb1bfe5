import { defineConfig } from "vitest/config";

const conditions = ["@kiln-gpu/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    reporters: process.env.CI ? ["default", ["json", { outputFile: "../../.cache/vitest.json" }]] : ["default"],
    include: ["tests/*.test.ts"],
    pool: "forks",
    // The tests share the machine with the browsers that some of them open.
    fileParallelism: false,
    // A watchdog against hangs: a busy machine is slow.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
