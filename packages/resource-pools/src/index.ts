export { BufferPool, type BufferPoolOptions, type BufferPoolStats } from "./buffer-pool.js";
export { CommandPool, type CommandPoolOptions, type CommandPoolStats, type CommandSlot } from "./command-pool.js";
export type { BufferDevice } from "./create-buffers.js";
export {
  type BindGroupDevice,
  DescriptorPool,
  type DescriptorPoolOptions,
  type DescriptorPoolStats,
} from "./descriptor-pool.js";
export type { BindGroupEntry, BindGroupRequest, PooledBindGroup } from "./pooled-bind-group.js";
export type { BufferRequest, PooledBuffer } from "./pooled-buffer.js";
export { StagingPool } from "./staging-pool.js";
export { downloadUsage, uploadUsage } from "./staging-usage.js";
export type { AcquireOptions, StallTimeout } from "./wait-queue.js";
