import type { RunOptions } from "@kiln-gpu/core";

/** The options of every `run...` function of this package. */
export interface KernelRunOptions extends Pick<RunOptions, "signal" | "timeoutMs"> {
  /** The language of the source that the backend compiles; both compute the same. `"wgsl"` by default. */
  readonly from?: "wgsl" | "spirv";
}
