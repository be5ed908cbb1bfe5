import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of a driver, and the equally many bytes that take their place. */
export type Replacement = readonly [from: Buffer, to: Buffer];

/**
 * Writes a copy of the software driver `library` with other bytes where it describes itself.
 * @returns The path of its manifest, by which a Vulkan loader finds the copy.
 */
export async function writeDriver(
  library: string,
  folder: string,
  name: string,
  replacements: readonly Replacement[],
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const bytes = await readFile(library);
  for (const [from, to] of replacements) replaceAll(bytes, from, to);
  const copy = join(folder, `lib${name}.so`);
  await writeFile(copy, bytes);
  await chmod(copy, 0o700);
  const manifest = join(folder, `${name}.json`);
  const icd = { library_path: copy, api_version: "1.1.0" };
  await writeFile(manifest, JSON.stringify({ file_format_version: "1.0.0", ICD: icd }));
  return manifest;
}

/** SwiftShader's name of itself, and its UUID. */
const ownName = "SwiftShader Device";
const ownUuid = "SwiftShaderUUID";

/**
 * Writes a copy of SwiftShader for each of `gpus`, so that a machine without a GPU has several.
 * @param gpus For each the last letter of its UUID, and its name of
 *   18 letters, if it has not SwiftShader's own.
 * @returns The environment of a process that finds them.
 */
export async function writeSoftwareGpus(
  library: string,
  folder: string,
  gpus: readonly { readonly letter: string; readonly name?: string }[],
): Promise<Record<string, string>> {
  const manifests: string[] = [];
  for (const { letter, name = ownName } of gpus) {
    const replacements: Replacement[] = [
      [Buffer.from(ownUuid), Buffer.from(ownUuid.slice(0, -1) + letter)],
      [Buffer.from(ownName), Buffer.from(name)],
    ];
    manifests.push(await writeDriver(library, folder, `gpu_${letter}`, replacements));
  }
  const named = manifests.join(":");
  return { VK_DRIVER_FILES: named, VK_ICD_FILENAMES: named };
}

/** The UUID of a copy of SwiftShader that `writeSoftwareGpus` has made. */
export function uuidOfSoftwareGpu(letter: string): string {
  const text = Buffer.from(`${ownUuid.slice(0, -1)}${letter}\0`).toString("hex");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})/u, "$1-$2-$3-$4-");
}

function replaceAll(bytes: Buffer, from: Buffer, to: Buffer): void {
  if (to.length !== from.length) throw new Error(`${from.length} bytes take the place of as many; got ${to.length}.`);
  let count = 0;
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) {
    to.copy(bytes, at);
    count += 1;
  }
  if (count === 0) throw new Error(`The driver holds no ${from.toString("hex")}.`);
}
