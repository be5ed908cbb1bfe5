/**
 * WebGPU's flag values, since Node has no globals for them. Source: https://www.w3.org/TR/webgpu/ (GPUBufferUsage,
 * GPUMapMode, GPUShaderStage).
 */
export const bufferUsage = {
  mapRead: 0x0001,
  mapWrite: 0x0002,
  copySource: 0x0004,
  copyDestination: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  indirect: 0x0100,
  queryResolve: 0x0200,
} as const;

export const mapMode = { read: 0x0001, write: 0x0002 } as const;

export const shaderStage = { compute: 0x4 } as const;
