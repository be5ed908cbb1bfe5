/** WebGPU's `GPUBufferUsage`, which is not a global in every runtime. */
export const bufferUsage = {
  mapRead: 0x1,
  mapWrite: 0x2,
  copySource: 0x4,
  copyDestination: 0x8,
  uniform: 0x40,
  storage: 0x80,
} as const;

/** WebGPU's `GPUMapMode`. */
export const mapMode = { read: 1, write: 2 } as const;

/** Staging on the way in: mapped while it is kept in a pool, so that the host writes it without waiting. */
export const uploadUsage = bufferUsage.mapWrite | bufferUsage.copySource;

/** Staging on the way out: unmapped while it is kept in a pool. */
export const downloadUsage = bufferUsage.mapRead | bufferUsage.copyDestination;
