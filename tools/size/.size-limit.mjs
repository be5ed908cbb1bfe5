/**
 * What a page loads of Kiln, as bundlers split it: the code that it imports at once, and the parts that it loads when it
 * first needs them.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const output = fileURLToPath(new URL("../../.cache/size", import.meta.url));

/** A page that runs a kernel of WGSL, by one import or by several. */
const pages = {
  "kiln-gpu": 'export { defineKernel, openPersistentBackend, output } from "kiln-gpu";',
  "the scoped packages":
    'export { defineKernel, output } from "@kiln-gpu/core";\n' +
    'export { openPersistentBackend } from "@kiln-gpu/backend-persistent";',
};

async function bundle(name, contents) {
  const outdir = join(output, name.replaceAll(" ", "-"));
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  const { metafile } = await build({
    stdin: { contents, resolveDir: here, sourcefile: "page.js" },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    outdir,
    metafile: true,
    absWorkingDir: here,
    logLevel: "error",
  });
  const outputs = metafile.outputs;
  const entry = Object.keys(outputs).find((path) => outputs[path].entryPoint === "page.js");
  // A set also visits what is added on the way.
  const atOnce = new Set([entry]);
  for (const path of atOnce) {
    for (const imported of outputs[path].imports) {
      if (imported.kind === "import-statement" && outputs[imported.path]) atOnce.add(imported.path);
    }
  }
  await writeFile(join(outdir, "meta.json"), JSON.stringify(metafile));
  return { atOnce: [...atOnce], all: Object.keys(outputs) };
}

const checks = [];
for (const [name, contents] of Object.entries(pages)) {
  const { atOnce, all } = await bundle(name, contents);
  const found = (part) => all.filter((path) => basename(path).startsWith(part));
  const paths = (files) => files.map((path) => relative(here, join(here, path)));
  // The aim is 45 kB; this holds what is there (ROADMAP.md).
  checks.push({ name: `WGSL alone, by ${name}`, path: paths(atOnce), limit: "79 kB", gzip: true });
  if (name !== "kiln-gpu") continue;
  checks.push({ name: "what SPIR-V adds", path: paths(found("load-spirv")), limit: "25 kB", gzip: true });
}

export default checks;
