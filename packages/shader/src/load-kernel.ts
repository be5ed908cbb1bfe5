import type { Bindings, Kernel, ShaderInterface } from "@kiln-gpu/core";
import { loadProgram } from "./load-program.js";
import type { LoadedProgram } from "./loaded-program.js";

/** Name and version of what turns a source into the WGSL that is compiled; a change here is a change of every shader. */
export const translator = "kiln 2, naga-wasm 30.1.0";

/**
 * Reads all programs of a kernel.
 * @throws {ComputeError} What `loadProgram` throws.
 */
export async function loadKernel<B extends Bindings>(
  kernel: Kernel<B>,
): Promise<{ readonly [program: string]: LoadedProgram }> {
  const names = Object.keys(kernel.programs);
  const loaded = await Promise.all(
    names.map((name) => {
      const subject = names.length === 1 ? `Kernel "${kernel.label}"` : `Kernel "${kernel.label}", program "${name}",`;
      return loadProgram(kernel.programs[name]!, subject);
    }),
  );
  return Object.fromEntries(names.map((name, i) => [name, loaded[i]!]));
}

/** The interfaces alone, as `planRun` takes them. */
export function interfacesOf(programs: { readonly [program: string]: LoadedProgram }): {
  readonly [program: string]: ShaderInterface;
} {
  return Object.fromEntries(Object.entries(programs).map(([name, loaded]) => [name, loaded.interface]));
}
