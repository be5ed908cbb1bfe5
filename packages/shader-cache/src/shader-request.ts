import type { ShaderInterface } from "@kiln-gpu/core/backend";

/**
 * Everything that decides what is compiled. The compiler is given this and nothing else, and `contentAddress` covers
 * every field, so two requests share a pipeline only if they would compile to the same one.
 */
export interface ShaderRequest {
  readonly language: "wgsl" | "spirv";
  /**
   * WGSL text or the bytes of a SPIR-V module. A module that is many texts, by specialization or entry point, is given
   * as the text.
   */
  readonly source: string | Uint8Array;
  /** Values of pipeline-overridable constants by WebGPU's keys; `{}` if there are none. */
  readonly constants: { readonly [key: string]: number };
  /** The entry point and its bindings with their minimum sizes: the pipeline layout is made from these. */
  readonly interface: ShaderInterface;
  /** Whether the program is rewritten to run as one part of a larger grid. */
  readonly split: boolean;
  /**
   * Whether the program's immediates are set while a dispatch is recorded; otherwise a buffer is bound in their place.
   */
  readonly immediate: boolean;
  /**
   * Name and version of what turns `source` into the text that the device compiles: a new translator is a new shader.
   */
  readonly translator: string;
}
