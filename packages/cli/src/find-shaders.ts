import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { isShaderName } from "./read-shader.js";
import { UsageError } from "./usage-error.js";

/** The files at the given paths, as absolute paths: each once, in the same order on every machine. */
export interface FoundFiles {
  readonly shaders: readonly string[];
  /** Files in the folders that have the name of a shader's module, generated or not. */
  readonly modules: readonly string[];
}

/** The path of a shader's module. `scale.wgsl` and `scale.spv` may be side by side: each has its own module. */
export function modulePathOf(shader: string): string {
  return `${shader}.ts`;
}

export function shaderPathOf(module: string): string {
  return module.slice(0, -".ts".length);
}

/**
 * Finds the shaders at `paths`, and those at any depth in folders at `paths`. In folders it skips `node_modules`,
 * hidden folders and symbolic links.
 * @throws {UsageError} If a path does not exist, or is a file that is not a shader.
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
    else throw new UsageError(`A path must be a folder, or a file that ends in .wgsl or .spv; got "${given}".`);
  }
  return { shaders: [...shaders].sort(), modules: [...modules].sort() };
}
