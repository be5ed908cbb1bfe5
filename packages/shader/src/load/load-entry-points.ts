import type { ShaderSource } from "@kiln-gpu/core";
import { named } from "../refusal.js";
import { chooseName, computeEntryPoints, reflectProgram } from "../wgsl/reflect-program.js";
import { scanModule, valuesOf } from "../wgsl/scan-module.js";
import { loadProgram } from "./load-program.js";
import type { LoadedProgram } from "./loaded-program.js";

/**
 * Reads all compute entry points of a source, in its order, for tools that have only the source. Constants have their
 * defaults, or are 1 or true without one. What an entry point binds does not depend on constants; its workgroup size
 * may.
 * @throws {ComputeError} What `loadProgram` throws.
 */
export function loadEntryPoints(
  source: ShaderSource & { readonly file?: string },
  subject: string,
): Promise<readonly LoadedProgram[]> {
  return named(subject, async () => {
    if (source.spirv === undefined) return loadWgsl(source);
    const { readSpirv } = await import("../spirv/module.js");
    const loaded: LoadedProgram[] = [];
    for (const entryPoint of atLeastOne(readSpirv(source.spirv).computeEntryPoints.map(({ name }) => name))) {
      loaded.push(await loadProgram({ ...source, entryPoint }, subject));
    }
    return loaded;
  });
}

function loadWgsl(source: { readonly wgsl: string; readonly file?: string }): LoadedProgram[] {
  const module = scanModule(source.wgsl);
  const names = computeEntryPoints(module).map(({ name }) => name);
  const unset = valuesOf(module.declarations.values(), "override").filter(
    ({ initializer }) => initializer.length === 0,
  );
  const constants = Object.fromEntries(unset.map(({ name, type }) => [name, type[0]?.text === "bool" ? true : 1]));
  return atLeastOne(names).map((entryPoint) => ({
    ...source,
    ...reflectProgram(module, { entryPoint, constants }),
  }));
}

/** Refuses a source without entry points in the same words as a program without one. */
function atLeastOne(names: readonly string[]): readonly string[] {
  chooseName(names, names[0]);
  return names;
}
