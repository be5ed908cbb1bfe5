/**
 * Compiles sources/ into modules/, with each compiler that takes the language, plain and optimized, and writes down which versions
 * did it. Run by hand, on Debian 12 with the packages glslang-tools, glslc and spirv-tools, after a build; tests need none of them. Arguments are
 * names of sources: only these are compiled.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import initGlslang from "@webgpu/glslang/dist/node-devel/glslang.js";
import { translate } from "naga-wasm";

const execute = promisify(execFile);
const require = createRequire(import.meta.url);
const sources = fileURLToPath(new URL("../sources/", import.meta.url));
const modules = fileURLToPath(new URL("../modules/", import.meta.url));

const scratch = await mkdtemp(join(tmpdir(), "corpus-"));
const output = join(scratch, "module.spv");

async function command(program, ...given) {
  // Debug lines name the file as it is given.
  await execute(program, given, { cwd: sources });
  return readFile(output);
}

const optimize = async (module) => {
  await writeFile(join(scratch, "plain.spv"), module);
  return command("spirv-opt", "-O", "--strip-debug", join(scratch, "plain.spv"), "-o", output);
};

const bytesOf = (words) => new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

const glslang = (path) => command("glslangValidator", "-V", "--target-env", "vulkan1.1", path, "-o", output);
const hlsl = (path) =>
  command("glslangValidator", "-D", "-V", "--target-env", "vulkan1.1", "-S", "comp", "-e", "main", path, "-o", output);
const naga = async (path) =>
  bytesOf(translate({ from: "wgsl", to: "spirv", source: await readFile(path, "utf8"), options: { debug: true } }));
const assemble = (path) => command("spirv-as", "--target-env", "spv1.3", path, "-o", output);

/** For each language, its compilers; the name of one that fails is left out for that source. */
const compilers = {
  comp: {
    glslang,
    "glslang-opt": async (path) => optimize(await glslang(path)),
    shaderc: (path) => command("glslc", "-O", "--target-env=vulkan1.3", path, "-o", output),
    "glslang-2019": async (path) => olderModule(path, false),
    "glslang-lines": (path) =>
      command("glslangValidator", "-g", "-V", "--target-env", "vulkan1.1", basename(path), "-o", output),
    "glslang-debug-info": (path) =>
      command("glslangValidator", "-gVS", "-V", "--target-env", "vulkan1.1", basename(path), "-o", output),
    "shaderc-lines": (path) => command("glslc", "-g", "--target-env=vulkan1.1", basename(path), "-o", output),
    "glslang-2019-lines": async (path) => olderModule(path, true),
  },
  hlsl: {
    "glslang-hlsl": hlsl,
    "glslang-hlsl-opt": async (path) => optimize(await hlsl(path)),
    "shaderc-hlsl": (path) =>
      command(
        "glslc",
        "-x",
        "hlsl",
        "-fshader-stage=comp",
        "-fentry-point=main",
        "-O",
        "--target-env=vulkan1.1",
        path,
        "-o",
        output,
      ),
  },
  wgsl: {
    naga,
    "naga-opt": async (path) => optimize(await naga(path)),
    tint: async (path) => {
      const { stdout } = await execute(process.execPath, [
        fileURLToPath(new URL("print-tint.mjs", import.meta.url)),
        path,
      ]);
      const [, assembly] = stdout.split("/* Dumped SPIRV disassembly */");
      if (!assembly) throw new Error(stdout);
      await writeFile(join(scratch, "tint.spvasm"), assembly);
      return assemble(join(scratch, "tint.spvasm"));
    },
  },
  spvasm: { "spirv-as": assemble, "spirv-as-opt": async (path) => optimize(await assemble(path)) },
};

/** Of these sources there are modules with debug lines; each of the others would only be larger with them. */
const withLines = new Set([
  ...["add", "float-atomics", "histogram", "image", "specialization-array"],
  ...["storage-gap", "subgroup-arithmetic", "switch", "switch-fall-through"],
]);

/** What a compiler makes of a source and the corpus has no use for. */
const skipped = new Set([
  // A uniform becomes an array of vectors, whose members only Tint knows.
  "uniform-vectors.tint",
  // The optimizer resolves what is to be refused.
  "decoration-group.spirv-as-opt",
  // It has several entry points, and Tint writes one.
  "entry-points.tint",
]);

let loading;

async function olderModule(path, withDebugLines) {
  return bytesOf((await olderGlslang()).compileGLSL(await readFile(path, "utf8"), "compute", withDebugLines, "1.0"));
}

/** The module is a thenable that resolves with itself, so awaiting it would never end; without `then` it is a plain object. */
function olderGlslang() {
  loading ??= new Promise((resolve) => {
    initGlslang().then((loaded) => {
      delete loaded.then;
      resolve(loaded);
    });
  });
  return loading;
}

const firstLine = async (program) => (await execute(program, ["--version"])).stdout.split("\n")[0].trim();
const versions = {
  glslang: await firstLine("glslangValidator"),
  shaderc: (await execute("glslc", ["--version"])).stdout.split("\n").slice(0, 3).join(", "),
  "spirv-tools": await firstLine("spirv-as"),
  "glslang-2019": `@webgpu/glslang ${require("@webgpu/glslang/package.json").version}`,
  naga: `naga-wasm ${JSON.parse(await readFile(new URL("../node_modules/naga-wasm/package.json", import.meta.url), "utf8")).version}`,
  tint: `webgpu ${JSON.parse(await readFile(new URL("../node_modules/webgpu/package.json", import.meta.url), "utf8")).version}`,
};

const wanted = process.argv.slice(2);
const isWanted = (file) => wanted.length === 0 || wanted.includes(file.split(".")[0]);
for (const old of await readdir(modules)) if (old.endsWith(".spv") && isWanted(old)) await rm(join(modules, old));
let count = 0;
for (const file of (await readdir(sources)).filter(isWanted).sort()) {
  const [name, language] = file.split(".");
  for (const [compiler, compile] of Object.entries(compilers[language])) {
    if (skipped.has(`${name}.${compiler}`)) continue;
    if (/-(?:lines|debug-info)$/u.test(compiler) && !withLines.has(name)) continue;
    try {
      await writeFile(join(modules, `${name}.${compiler}.spv`), await compile(join(sources, file)));
      count += 1;
    } catch (error) {
      console.log(
        `${file} is not compiled by ${compiler}: ${String(error.stdout || error.stderr || error.message)
          .trim()
          .split("\n")
          .slice(0, 3)
          .join(" ")}`,
      );
    }
  }
}
await writeFile(join(modules, "versions.json"), `${JSON.stringify(versions, undefined, 2)}\n`);
await rm(scratch, { recursive: true });
console.log(`${count} modules.`);
