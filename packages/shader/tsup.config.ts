import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { build } from "../../tools/tsconfig/tsup.js";

/**
 * Programs are stored on disk under the hash of the sources that read them, since other sources may read something
 * else.
 */
const sources = createHash("sha256");
for (const name of readdirSync("src", { recursive: true, encoding: "utf8" }).sort()) {
  if (name.endsWith(".ts") && !/\.test(-support)?\.ts$/.test(name))
    sources.update(`${name}\n${readFileSync(`src/${name}`, "utf8")}`);
}

/** Copies the translator's WebAssembly and its licences, so that its package is not a dependency of this one's users. */
function copyNaga(): void {
  const wasm = createRequire(import.meta.url).resolve("naga-wasm/naga_bg.wasm");
  const licences = ["LICENSE-APACHE", "LICENSE-MIT"].map((name) => join(dirname(wasm), "../..", name));
  mkdirSync("dist/naga", { recursive: true });
  copyFileSync(wasm, "dist/naga/naga.wasm");
  for (const licence of licences) copyFileSync(licence, join("dist/naga", basename(licence)));
}

export default build({
  define: { KILN_SHADER_SOURCES: JSON.stringify(sources.digest("hex")) },
  onSuccess: async () => copyNaga(),
});
