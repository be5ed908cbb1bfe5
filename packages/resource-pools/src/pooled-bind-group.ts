import type { PooledBuffer } from "./pooled-buffer.js";

export interface BindGroupEntry {
  readonly binding: number;
  readonly buffer: PooledBuffer;
  /** Bytes from the buffer's start. */
  readonly offset: number;
  /** Bytes bound. */
  readonly size: number;
}

export interface BindGroupRequest {
  readonly layout: GPUBindGroupLayout;
  /** Stands for `layout` in the key: a number that no other layout ever has. */
  readonly layoutId: number;
  readonly entries: readonly BindGroupEntry[];
}

/** A bind group that a `DescriptorPool` lends. */
export interface PooledBindGroup {
  readonly bindGroup: GPUBindGroup;
}
