/**
 * Unpacks the driver's files into a cache folder that only this user can write.
 *
 * Invariant: every start compares the SHA-256 of each file with the one written here, and unpacks again what differs.
 */
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { ComputeError } from "@kiln-gpu/core";
import type { SoftwareDriver } from "@kiln-gpu/webgpu";
import { extract } from "tar-stream";

const driverFile = "libvulkan-swiftshader.so";
const loaderFile = "libvulkan.so.1";
const manifestFile = "swiftshader.json";
const configFolder = "config";
/** Where a Vulkan loader looks for settings in its configuration folder. */
const settingsFile = `${configFolder}/vulkan/loader_settings.d/vk_loader_settings.json`;

const texts: Readonly<Record<string, string>> = {
  [manifestFile]: JSON.stringify({
    file_format_version: "1.0.0",
    ICD: { library_path: `./${driverFile}`, api_version: "1.1.0" },
  }),
  [settingsFile]: JSON.stringify({ file_format_version: "1.0.0", settings: {} }),
};

/** Where each binary lies in the archive of @sparticuz/chromium. */
const archived: Readonly<Record<string, string>> = {
  "libvk_swiftshader.so": driverFile,
  "libvulkan.so.1": loaderFile,
};

/**
 * SHA-256 of each file as it is written. The binaries are those of @sparticuz/chromium 153.0.0; the driver has its new
 * name.
 */
const files: Readonly<Record<string, string>> = {
  [driverFile]: "4165d33b68f7cce7aa8bcec0c340f9aeb792827845b16943025830f8516c4c36",
  [loaderFile]: "8ee5ac00fd7968e863b05e0f6808057db16a00ad322777e5a05bed51d4f84085",
  ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, sha256(Buffer.from(text))])),
};

/** Change this together with any of the files: versions of this package share the cache folder. */
const folderName = "swiftshader-153.0.0-1";

/**
 * Locates the driver, and unpacks it first if it is not there.
 * @param roots Folders to try, in order. By default the user's cache folder, then a folder of the user's own in the
 *   temporary folder.
 * @throws {ComputeError} `no-adapter` if the package's files are not the expected ones, or if no folder can be written.
 */
export async function unpackDriver(roots: readonly string[] = cacheRoots()): Promise<SoftwareDriver> {
  const reasons: unknown[] = [];
  for (const root of roots) {
    try {
      const parent = await privateFolder(root);
      const folder = await privateFolder(join(parent, folderName));
      if (!(await isIntact(folder))) await unpackInto(parent, folder);
      return {
        library: join(folder, driverFile),
        manifest: join(folder, manifestFile),
        configHome: join(folder, configFolder),
        loader: join(folder, loaderFile),
      };
    } catch (error) {
      if (error instanceof ComputeError) throw error;
      reasons.push(error);
    }
  }
  throw new ComputeError("no-adapter", `The software GPU cannot be unpacked into ${roots.join(" or ")}.`, {
    cause: new AggregateError(reasons),
  });
}

function cacheRoots(): string[] {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return [join(cache, "kiln-gpu"), join(tmpdir(), `kiln-gpu-${process.getuid?.() ?? "user"}`)];
}

/**
 * Makes the folder `path`, and checks that only this user can write it: anyone can make a folder in the temporary
 * folder.
 */
async function privateFolder(path: string): Promise<string> {
  await makeFolder(dirname(path));
  await makeFolder(path, 0o700);
  const stats = await lstat(path);
  if (!stats.isDirectory() || stats.uid !== process.getuid?.())
    throw new Error(`${path} is not a folder of this user's own.`);
  if ((stats.mode & 0o022) !== 0) await chmod(path, 0o700);
  return path;
}

/**
 * Makes a folder and its parents. Node's own `recursive` never returns where a folder exists but denies that any folder
 * in it does, as `/proc` and automounters do.
 */
async function makeFolder(path: string, mode = 0o777): Promise<void> {
  const parent = dirname(path);
  const isThere = (folder: string) => lstat(folder).catch(() => undefined);
  if (await isThere(path)) return;
  if (parent !== path && !(await isThere(parent))) await makeFolder(parent);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    // EEXIST: another process was first.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

async function isIntact(folder: string): Promise<boolean> {
  const intact = await Promise.all(
    Object.entries(files).map(async ([name, expected]) => {
      try {
        return sha256(await readFile(join(folder, name))) === expected;
      } catch {
        return false;
      }
    }),
  );
  return intact.every(Boolean);
}

/**
 * Unpacks beside `folder`, and then renames file by file. A rename replaces a file in one step, so a process that has
 * found all files intact also loads them intact.
 */
async function unpackInto(parent: string, folder: string): Promise<void> {
  const contents = await readContents();
  const aside = await mkdtemp(join(parent, "unpack-"));
  try {
    for (const [name, bytes] of contents) {
      const path = join(folder, name);
      await makeFolder(dirname(path), 0o700);
      await writeFile(join(aside, basename(name)), bytes, { mode: 0o700 });
      await rename(join(aside, basename(name)), path);
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** Resolves with the contents of each file, by its name in the folder. */
async function readContents(): Promise<Map<string, Buffer>> {
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const archive = join(dirname(entry), "..", "bin", "swiftshader.tar.br");
  const unpacked = extract();
  unpacked.end(await promisify(brotliDecompress)(await readFile(archive)));
  const contents = new Map(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
  for await (const file of unpacked) {
    const chunks: Buffer[] = [];
    for await (const chunk of file) chunks.push(chunk as Buffer);
    const name = archived[file.header.name];
    if (name === undefined) continue;
    const bytes = Buffer.concat(chunks);
    if (name === driverFile) renameLibrary(bytes, file.header.name, "libvulkan.so.1");
    if (sha256(bytes) !== files[name]) {
      throw new ComputeError(
        "no-adapter",
        `"${file.header.name}" of @sparticuz/chromium is not the expected file: the SHA-256 of "${name}" must be ${files[name]}; ` +
          `got ${sha256(bytes)}.`,
      );
    }
    contents.set(name, bytes);
  }
  for (const [member, name] of Object.entries(archived)) {
    if (!contents.has(name)) throw new ComputeError("no-adapter", `"${member}" is missing from @sparticuz/chromium.`);
  }
  return contents;
}

/**
 * Replaces the name by which the dynamic linker knows a library (its SONAME) with one that is not longer. An ELF file
 * keeps its names as strings that end in a zero byte.
 */
function renameLibrary(bytes: Buffer, from: string, to: string): void {
  const at = bytes.indexOf(`\0${from}\0`) + 1;
  if (at > 0) bytes.write(to.padEnd(from.length, "\0"), at, "latin1");
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
