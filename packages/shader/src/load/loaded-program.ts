import type { ShaderInterface } from "@kiln-gpu/core/backend";

/** A program in WGSL, with its reflected interface. */
export interface LoadedProgram {
  /** What the device compiles. */
  readonly wgsl: string;
  /** The source's language if it is not WGSL. The lines in a device's messages are then those of the translation. */
  readonly translatedFrom?: "SPIR-V";
  readonly file?: string;
  readonly interface: ShaderInterface;
  /**
   * The program's constants as WebGPU takes them: keyed by the decimal `@id` if there is one, otherwise by name;
   * booleans are 0 and 1.
   */
  readonly constants: Readonly<Record<string, number>>;
}
