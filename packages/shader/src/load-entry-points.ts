import type { ShaderSource } from "@kiln-gpu/core";
import { loadProgram } from "./load-program.js";
import type { LoadedProgram } from "./loaded-program.js";
import { chooseName, computeEntryPoints, reflectProgram } from "./reflect-program.js";
import { scanModule, valuesOf } from "./scan-module.js";
import { readSpirv } from "./spirv-module.js";

/**
 * Reads all compute entry points of a source, in its order, for tools that know the source alone. Constants have their defaults, and those
 * that have none are 1 or true: what an entry point binds does not depend on them, its workgroup size may.
 * @throws {ComputeError} What `loadProgram` throws.
 */
export async function loadEntryPoints(
  source: ShaderSource & { readonly file?: string },
  subject: string,
): Promise<readonly LoadedProgram[]> {
  if (source.spirv === undefined) return loadWgsl(source, subject);
  const names = readSpirv(source.spirv, subject).computeEntryPoints.map(({ name }) => name);
  const loaded: LoadedProgram[] = [];
  for (const entryPoint of atLeastOne(names, subject)) {
    loaded.push(await loadProgram({ ...source, entryPoint }, subject));
  }
  return loaded;
}

function loadWgsl(source: { readonly wgsl: string; readonly file?: string }, subject: string): LoadedProgram[] {
  const module = scanModule(source.wgsl, subject);
  const names = computeEntryPoints(module).map(({ name }) => name);
  const unset = valuesOf(module.declarations.values(), "override").filter(
    ({ initialiser }) => initialiser.length === 0,
  );
  const constants = Object.fromEntries(unset.map(({ name, type }) => [name, type[0]?.text === "bool" ? true : 1]));
  return atLeastOne(names, subject).map((entryPoint) => ({
    ...source,
    ...reflectProgram(module, { entryPoint, constants }, subject),
  }));
}

/** Refuses a source without any in the words in which a program is refused. */
function atLeastOne(names: readonly string[], subject: string): readonly string[] {
  chooseName(names, names[0], subject);
  return names;
}
