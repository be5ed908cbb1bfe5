/**
 * Compiles shaders/*.comp (GLSL) into src/spirv.generated.ts, so that neither a build nor a run needs a GLSL compiler.
 * The output depends only on the sources and the compiler's version; a test compares it with the committed file.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename } from "node:path";
import initGlslang from "@webgpu/glslang/dist/node-devel/glslang.js";

const shadersFolder = new URL("../shaders/", import.meta.url);
export const generatedFile = new URL("../src/spirv.generated.ts", import.meta.url);

/** The text of `generatedFile` for the current shaders. */
export async function compileShaders() {
  const { version } = createRequire(import.meta.url)("@webgpu/glslang/package.json");
  const glslang = await loadGlslang();
  const files = (await readdir(shadersFolder)).filter((file) => file.endsWith(".comp")).sort();
  const lines = [
    `// SPIR-V 1.0 as base64, compiled from packages/kernels/shaders by @webgpu/glslang ${version}.`,
    "// Do not edit: `pnpm --filter @kiln-gpu/kernels compile-shaders` writes it.",
    "",
  ];
  for (const file of files) {
    const glsl = await readFile(new URL(file, shadersFolder), "utf8");
    lines.push(`export const ${constantName(file)} =`, `  "${compile(glslang, file, glsl)}";`);
  }
  return `${lines.join("\n")}\n`;
}

function compile(glslang, file, glsl) {
  try {
    const words = glslang.compileGLSL(glsl, "compute", false, "1.0");
    return Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString("base64");
  } catch (cause) {
    // The compiler has printed what is wrong.
    throw new Error(`Shader "${file}" does not compile.`, { cause });
  }
}

/** The module is a thenable that resolves with itself, so `await` would never end; without `then` it is an object. */
function loadGlslang() {
  return new Promise((resolve) => {
    initGlslang().then((glslang) => {
      delete glslang.then;
      resolve(glslang);
    });
  });
}

/** `field-add.comp` -> `fieldAdd` */
function constantName(file) {
  return basename(file, ".comp").replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

if (process.argv[1] === import.meta.filename) await writeFile(generatedFile, await compileShaders());
