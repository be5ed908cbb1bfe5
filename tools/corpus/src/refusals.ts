/** Modules that must be refused, with the words that the error must have. */
import type { ComputeErrorCode } from "@kiln-gpu/core";

export interface Refusal {
  readonly code: ComputeErrorCode;
  readonly words: readonly (string | RegExp)[];
}

const unsupported = (...words: (string | RegExp)[]): Refusal => ({ code: "unsupported-shader", words });

export const refusals: { readonly [source: string]: Refusal } = {
  "aliased-blocks": unsupported("at one place, group 0 binding 0"),
  "buffer-array": unsupported("array of buffers at one place"),
  "buffer-reference": unsupported("OpTypeForwardPointer at byte"),
  coherent: unsupported("volatile or coherent"),
  "constant-buffer-packed": unsupported("offset 4 is not a multiple of the required alignment 16"),
  "decoration-group": unsupported("OpDecorationGroup", "spirv-opt --flatten-decorations"),
  doubles: unsupported("Float64"),
  "float-atomics": unsupported("OpAtomicFAddEXT at byte"),
  image: unsupported("OpImageWrite at byte"),
  int16: unsupported("Int16"),
  int64: unsupported("Int64"),
  "int8-storage": unsupported(/8BitAccess|Int8/),
  opencl: unsupported("Kernel"),
  recursion: unsupported("itself"),
  sampler: unsupported("OpImageSampleExplicitLod at byte"),
  "storage-offsets": unsupported("is at byte 16, in WGSL at 0"),
  "switch-fall-through": unsupported("falls through", /OpSwitch at byte \d+/),
  "uniform-scalar-array": unsupported("is at byte 16, in WGSL at 4"),
  "uniform-mat2": unsupported(/columns of (?:m|member 0) are 16 bytes apart, in WGSL 8/),
};
