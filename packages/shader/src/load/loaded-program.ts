import type { ShaderInterface } from "@kiln-gpu/core";

/** A program as a device takes it, with what it says of itself. */
export interface LoadedProgram {
  /** What the device compiles. */
  readonly wgsl: string;
  /** The language of the source, where it was not WGSL: lines that a device names are then of the translation. */
  readonly translatedFrom?: "SPIR-V";
  readonly file?: string;
  readonly interface: ShaderInterface;
  /** The program's constants as WebGPU wants them: under the `@id` as a decimal where there is one, else the name; booleans as 0 and 1. */
  readonly constants: Readonly<Record<string, number>>;
}
