/**
 * Fills `dist` with SwiftShader and a Vulkan loader out of the npm package @sparticuz/chromium, so that no binary is in
 * the repository.
 *
 * Invariant: `dist` holds files with the SHA-256 written here, or the build fails.
 */
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { extract } from "tar-stream";

const dist = fileURLToPath(new URL("../dist", import.meta.url));

/** The driver has the name of a Vulkan loader, for which WebGPU takes it; the loader is for other programs. */
const binaries = [
  {
    from: "libvk_swiftshader.so",
    to: "libvulkan-swiftshader.so",
    sha256: "4165d33b68f7cce7aa8bcec0c340f9aeb792827845b16943025830f8516c4c36",
    name: "libvulkan.so.1",
  },
  {
    from: "libvulkan.so.1",
    to: "libvulkan.so.1",
    sha256: "8ee5ac00fd7968e863b05e0f6808057db16a00ad322777e5a05bed51d4f84085",
  },
];

/** The manifest by which a Vulkan loader finds the driver, and loader settings that name no driver. */
const texts = {
  "swiftshader.json": {
    file_format_version: "1.0.0",
    ICD: { library_path: "./libvulkan-swiftshader.so", api_version: "1.1.0" },
  },
  "config/vulkan/loader_settings.d/vk_loader_settings.json": { file_format_version: "1.0.0", settings: {} },
};

if (!(await isFilled())) await fill();

async function isFilled() {
  try {
    const hashes = await Promise.all(binaries.map(async ({ to }) => sha256(await readFile(join(dist, to)))));
    await Promise.all(Object.keys(texts).map((name) => readFile(join(dist, name))));
    return hashes.every((hash, i) => hash === binaries[i].sha256);
  } catch {
    return false;
  }
}

/** Writes beside `dist` and renames: a process may have the files there mapped. */
async function fill() {
  const files = await readArchive();
  const aside = await mkdtemp(`${dist}-`);
  try {
    for (const { from, to, sha256: expected, name } of binaries) {
      const bytes = files.get(from);
      if (!bytes) throw new Error(`"${from}" is missing from @sparticuz/chromium.`);
      if (name) renameLibrary(bytes, from, name);
      if (sha256(bytes) !== expected) {
        throw new Error(`The SHA-256 of "${to}" must be ${expected}; got ${sha256(bytes)} from @sparticuz/chromium.`);
      }
      await writeFile(join(aside, to), bytes);
    }
    for (const [name, content] of Object.entries(texts)) {
      await mkdir(dirname(join(aside, name)), { recursive: true });
      await writeFile(join(aside, name), JSON.stringify(content));
    }
    await chmod(aside, 0o755);
    await rm(dist, { recursive: true, force: true });
    await rename(aside, dist);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function readArchive() {
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const archive = join(dirname(entry), "..", "bin", "swiftshader.tar.br");
  const unpacked = extract();
  unpacked.end(await promisify(brotliDecompress)(await readFile(archive)));
  const files = new Map();
  for await (const file of unpacked) {
    const chunks = [];
    for await (const chunk of file) chunks.push(chunk);
    files.set(file.header.name, Buffer.concat(chunks));
  }
  return files;
}

/**
 * Replaces the name by which the dynamic linker knows a library (its SONAME) with one that is not longer. An ELF file
 * keeps its names as strings that end in a zero byte.
 */
function renameLibrary(bytes, from, to) {
  const at = bytes.indexOf(`\0${from}\0`) + 1;
  if (at > 0) bytes.write(to.padEnd(from.length, "\0"), at, "latin1");
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
