import { bufferUsage } from "@kiln-gpu/webgpu";

/** The usage of buffers that kernels bind, or that have the arguments of indirect dispatches. */
export const deviceUsage =
  bufferUsage.storage |
  bufferUsage.uniform |
  bufferUsage.indirect |
  bufferUsage.copySource |
  bufferUsage.copyDestination;
