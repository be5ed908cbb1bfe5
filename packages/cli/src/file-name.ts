import { stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";

/** The path from the package that a shader belongs to, for that is the same on every machine and from every folder; else its name. */
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
