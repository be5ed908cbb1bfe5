import { stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";

/**
 * The path of a shader relative to its package, which is the same on every machine and from every working directory. A
 * shader outside of all packages has only its name.
 */
export async function fileNameOf(path: string): Promise<string> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const isPackage = await stat(join(folder, "package.json")).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isPackage) return relative(folder, path).split(sep).join("/");
    if (folder === dirname(folder)) return basename(path);
  }
}
