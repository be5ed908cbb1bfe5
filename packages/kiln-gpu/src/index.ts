/**
 * One import for most people: all that users import from the contract, both backends and the software GPU, and what
 * tells which GPUs there are. This package has no code of its own.
 */
export * from "@kiln-gpu/backend-one-shot";
export * from "@kiln-gpu/backend-persistent";
export * from "@kiln-gpu/core";
export * from "@kiln-gpu/software-gpu";
export { checkWebGpu, type GpuInfo, gpus, type WebGpuState } from "@kiln-gpu/webgpu";
