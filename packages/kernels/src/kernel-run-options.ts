import type { RunOptions } from "@kiln-gpu/core";

/** What every `run...` function of this package takes beside its arguments. */
export interface KernelRunOptions extends Pick<RunOptions, "signal" | "timeoutMs"> {
  /** The language of the source that the backend compiles; both compute the same. By default `wgsl`. */
  readonly from?: "wgsl" | "spirv";
}
