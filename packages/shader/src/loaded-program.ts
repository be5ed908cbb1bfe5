import type { ShaderInterface } from "@kiln-gpu/core";

/** A program as a device takes it, with what it says of itself. */
export interface LoadedProgram {
  /** What the device compiles. */
  readonly wgsl: string;
  readonly interface: ShaderInterface;
  /** The program's constants as WebGPU wants them: under the `@id` as a decimal where there is one, else the name; booleans as 0 and 1. */
  readonly constants: Readonly<Record<string, number>>;
}
