import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";

/**
 * The path of a shader relative to its package, which is the same on every machine and from every working directory. A
 * shader outside of all packages has only its name.
 */
export async function fileNameOf(path: string): Promise<string> {
  const folder = await packageFolderOf(path);
  return folder === undefined ? basename(path) : relative(folder, path).split(sep).join("/");
}

/** The package that the shader's module imports: `kiln-gpu` if the shader's own package depends on it alone. */
export async function importNameOf(path: string): Promise<"@kiln-gpu/core" | "kiln-gpu"> {
  const folder = await packageFolderOf(path);
  if (folder === undefined) return "@kiln-gpu/core";
  const names = await dependenciesOf(join(folder, "package.json"));
  return names.has("kiln-gpu") && !names.has("@kiln-gpu/core") ? "kiln-gpu" : "@kiln-gpu/core";
}

/** What the manifest depends on in any way; nothing for a manifest that is no JSON, which is not ours to judge. */
async function dependenciesOf(manifest: string): Promise<Set<string>> {
  try {
    const { dependencies, devDependencies, peerDependencies } = JSON.parse(await readFile(manifest, "utf8"));
    return new Set(Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies }));
  } catch {
    return new Set();
  }
}

/** The nearest folder above `path` with a package.json. */
async function packageFolderOf(path: string): Promise<string | undefined> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const isPackage = await stat(join(folder, "package.json")).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isPackage) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}
