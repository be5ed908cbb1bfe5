import { bufferUsage } from "@kiln-gpu/webgpu";

/** The usage of buffers that kernels bind. */
export const deviceUsage =
  bufferUsage.storage | bufferUsage.uniform | bufferUsage.copySource | bufferUsage.copyDestination;
