import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { isShaderName } from "./read-shader.js";
import { UsageError } from "./usage-error.js";

/** What lies at the given paths; absolute, each once, in one order on every machine. */
export interface FoundFiles {
  readonly shaders: readonly string[];
  /** Those in the folders that are named as modules of shaders are, whoever wrote them. */
  readonly modules: readonly string[];
}

/** Where a shader's module stands: `scale.wgsl` and `scale.spv`, side by side, have two. */
export function modulePathOf(shader: string): string {
  return `${shader}.ts`;
}

export function shaderPathOf(module: string): string {
  return module.slice(0, -".ts".length);
}

/**
 * The shaders that the paths name, and those in the folders that they name, at any depth. Folders of packages, hidden ones, and symbolic links
 * inside of folders are passed over.
 * @throws {UsageError} For a path that is absent or no shader's.
 */
export async function findShaders(paths: readonly string[], folder: string): Promise<FoundFiles> {
  const shaders = new Set<string>();
  const modules = new Set<string>();
  const walk = async (path: string): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      if (entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules") await walk(child);
      if (!entry.isFile()) continue;
      if (isShaderName(entry.name)) shaders.add(child);
      else if (entry.name.endsWith(".ts") && isShaderName(shaderPathOf(entry.name))) modules.add(child);
    }
  };
  for (const given of paths) {
    const path = resolve(folder, given);
    const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT" && cause.code !== "ENOTDIR") throw cause;
      throw new UsageError(`There is no file or folder "${given}".`, { cause });
    });
    if (found.isDirectory()) await walk(path);
    else if (isShaderName(basename(path))) shaders.add(path);
    else throw new UsageError(`"${given}" is no shader; folders and files that end in .wgsl or .spv are expected.`);
  }
  return { shaders: [...shaders].sort(), modules: [...modules].sort() };
}
