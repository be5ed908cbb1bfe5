/**
 * Puts the driver's files where the Vulkan loader can read them: once, in a folder that only this user can write.
 *
 * Invariant: a file is loaded only if its SHA-256 is the one written here, on every start; anything else is unpacked again.
 */
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { ComputeError } from "@kiln-gpu/core";
import type { SoftwareDriver } from "@kiln-gpu/webgpu";
import { extract } from "tar-stream";

/** SHA-256 of each file, as in @sparticuz/chromium 153.0.0. */
const files: Readonly<Record<string, string>> = {
  "libvk_swiftshader.so": "2f3ceffaaca7d031bc3943f8eacf398a5d9c42c5fe0d15d8840b9acfa630b58e",
  "libvulkan.so.1": "8ee5ac00fd7968e863b05e0f6808057db16a00ad322777e5a05bed51d4f84085",
  "vk_swiftshader_icd.json": "c9eef28b6b984fec220ef0abfecc40b502d46946706e47bfe97707027cb818bd",
};

const version = "153.0.0";

/**
 * The driver, unpacked if it is not yet.
 * @param roots Folders to try, in order; by default the user's cache folder, then one of the user's own in the temporary folder.
 * @throws {ComputeError} `no-adapter` when the package's files are not the ones expected, or no folder can be written.
 */
export async function unpackDriver(roots: readonly string[] = cacheRoots()): Promise<SoftwareDriver> {
  const reasons: unknown[] = [];
  for (const root of roots) {
    try {
      const parent = await privateFolder(root);
      const folder = await privateFolder(join(parent, `swiftshader-${version}`));
      if (!(await isIntact(folder))) await unpackInto(parent, folder);
      return { manifest: join(folder, "vk_swiftshader_icd.json"), loader: join(folder, "libvulkan.so.1") };
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

/** Makes `path` and checks that it is a folder which nobody else can write: the temporary folder is everybody's. */
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
 * Node's own `recursive` tries for ever, and keeps the process from its end, where a folder that is there says of every folder in it that it is
 * absent, as `/proc` and automounters do.
 */
async function makeFolder(path: string, mode = 0o777): Promise<void> {
  const parent = dirname(path);
  const isThere = (folder: string) => lstat(folder).catch(() => undefined);
  if (await isThere(path)) return;
  if (parent !== path && !(await isThere(parent))) await makeFolder(parent);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    // Another process was first.
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
 * Unpacks beside `folder` and renames file by file: a rename replaces a file at once, so whoever found all intact, in this process
 * or another, loads what it found.
 */
async function unpackInto(parent: string, folder: string): Promise<void> {
  const contents = await readArchive();
  const aside = await mkdtemp(join(parent, "unpack-"));
  try {
    for (const [name, bytes] of contents) {
      await writeFile(join(aside, name), bytes, { mode: 0o700 });
      await rename(join(aside, name), join(folder, name));
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function readArchive(): Promise<Map<string, Buffer>> {
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const archive = join(dirname(entry), "..", "bin", "swiftshader.tar.br");
  const unpacked = extract();
  unpacked.end(await promisify(brotliDecompress)(await readFile(archive)));
  const contents = new Map<string, Buffer>();
  for await (const file of unpacked) {
    const expected = files[file.header.name];
    const chunks: Buffer[] = [];
    for await (const chunk of file) chunks.push(chunk as Buffer);
    if (expected === undefined) continue;
    const bytes = Buffer.concat(chunks);
    if (sha256(bytes) !== expected) {
      throw new ComputeError(
        "no-adapter",
        `"${file.header.name}" of @sparticuz/chromium has the SHA-256 ${sha256(bytes)}; expected is ${expected}.`,
      );
    }
    contents.set(file.header.name, bytes);
  }
  for (const name in files) {
    if (!contents.has(name)) throw new ComputeError("no-adapter", `"${name}" is missing in @sparticuz/chromium.`);
  }
  return contents;
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
