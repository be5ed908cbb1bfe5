/**
 * Bundles the command and each peer into `dist/`, together with the native files that they load, so that `dist/` runs
 * on a machine that has only Node. The native files are those of this platform.
 */
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const platform = `${process.platform}-${process.arch}`;

/** Packages that are not bundled but copied, and the files of each that are needed. */
const packages = {
  webgpu: { folder: "node_modules/webgpu", files: ["package.json", "index.js", `dist/${platform}`] },
  "onnxruntime-node": {
    folder: "node_modules/onnxruntime-node",
    files: ["package.json", "dist", `bin/napi-v6/${process.platform}/${process.arch}`],
  },
  "onnxruntime-common": { folder: "node_modules/onnxruntime-common", files: ["package.json", "dist/cjs"] },
  "onnxruntime-web": {
    folder: "node_modules/onnxruntime-web",
    files: [
      "package.json",
      "dist/ort.webgpu.bundle.min.mjs",
      "dist/ort-wasm-simd-threaded.asyncify.mjs",
      "dist/ort-wasm-simd-threaded.asyncify.wasm",
    ],
  },
  "@sparticuz/chromium": {
    folder: "../../packages/software-gpu/node_modules/@sparticuz/chromium",
    files: ["package.json", "build", "bin/swiftshader.tar.br"],
  },
};

await rm(join(root, "dist"), { recursive: true, force: true });
const peers = await readdir(join(root, "src/peers"));
await build({
  absWorkingDir: root,
  entryPoints: ["src/main.mjs", "src/peer-process.mjs", ...peers.map((file) => `src/peers/${file}`)],
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // Takes Kiln from its sources, as its tests do, so that it need not be built first.
  conditions: ["@kiln-gpu/source"],
  // Kiln's translator of SPIR-V and gpu.js's WebGL are not used here.
  external: [...Object.keys(packages), "naga-wasm", "gl"],
  // Bundled CommonJS loads Node's own modules with `require`, which ES modules lack.
  banner: {
    js: 'import * as nodeModule from "node:module"; const require = nodeModule.createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
for (const [name, { folder, files }] of Object.entries(packages)) {
  for (const file of files) {
    const target = join(root, "dist/node_modules", name, file);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(root, folder, file), target, {
      recursive: true,
      dereference: true,
      filter: (path) => !path.endsWith(".map") && !path.endsWith(".d.ts"),
    });
  }
}
