import type { ShaderInterface } from "@kiln-gpu/core";

/**
 * The whole of what decides what is compiled. The compiler is given this and nothing else, and `contentAddress` covers every field,
 * so two requests share a pipeline only if they would compile to the same one.
 */
export interface ShaderRequest {
  readonly language: "wgsl" | "spirv";
  /** WGSL text, or the bytes of a SPIR-V module; where one module is many texts, by specialization or entry point, the text. */
  readonly source: string | Uint8Array;
  /** Pipeline-overridable constants by WebGPU's keys; none is `{}`. */
  readonly constants: { readonly [key: string]: number };
  /** The entry point and its bindings, with what each holds at least: of these the pipeline's layout is made. */
  readonly interface: ShaderInterface;
  /** `split` is a program rewritten to run as a part of a larger grid; `immediate` one whose immediates are set, and not bound as a buffer. */
  readonly variant: "whole" | "split" | "whole, immediate" | "split, immediate";
  /** Name and version of what turns `source` into the text that the device compiles: a new translator is a new shader. */
  readonly translator: string;
}
