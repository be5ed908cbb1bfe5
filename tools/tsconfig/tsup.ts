import { defineConfig, type Options } from "tsup";

/** The one build that every package uses: ESM, declarations, source maps. */
export const build = (options: Options = {}) =>
  defineConfig({
    entry: ["src/index.ts"],
    format: "esm",
    target: "es2022",
    platform: "neutral",
    sourcemap: true,
    clean: true,
    removeNodeProtocol: false,
    splitting: true,
    // tsup sets `baseUrl` for its declarations, which TypeScript 6 calls deprecated.
    dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
    ...options,
  });
