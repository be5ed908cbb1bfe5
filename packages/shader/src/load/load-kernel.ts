import type { Bindings, Kernel } from "@kiln-gpu/core";
import type { ShaderInterface } from "@kiln-gpu/core/backend";
import { type LoadOptions, loadProgram } from "./load-program.js";
import type { LoadedProgram } from "./loaded-program.js";

/**
 * Reads all programs of a kernel.
 * @throws {ComputeError} What `loadProgram` throws.
 */
export async function loadKernel<B extends Bindings>(
  kernel: Kernel<B>,
  options?: LoadOptions,
): Promise<{ readonly [program: string]: LoadedProgram }> {
  const names = Object.keys(kernel.programs);
  const loaded = await Promise.all(
    names.map((name) => loadProgram(kernel.programs[name]!, subjectOf(kernel, name), options)),
  );
  return Object.fromEntries(names.map((name, i) => [name, loaded[i]!]));
}

/** Begins the sentence of an error about one program of a kernel: `Kernel "saxpy"`. */
export function subjectOf({ label, programs }: { readonly label: string; readonly programs: object }, program: string) {
  return Object.keys(programs).length === 1 ? `Kernel "${label}"` : `Kernel "${label}", program "${program}",`;
}

/** The interfaces of the programs, as `planRun` takes them. */
export function interfacesOf(programs: { readonly [program: string]: LoadedProgram }): {
  readonly [program: string]: ShaderInterface;
} {
  return Object.fromEntries(Object.entries(programs).map(([name, loaded]) => [name, loaded.interface]));
}
