import { bufferUsage } from "@kiln-gpu/webgpu";

/** Staging on the way in. It is mapped while the pool keeps it, so that the host writes without waiting. */
export const uploadUsage = bufferUsage.mapWrite | bufferUsage.copySource;

/** Staging on the way out. It is unmapped while the pool keeps it. */
export const downloadUsage = bufferUsage.mapRead | bufferUsage.copyDestination;
