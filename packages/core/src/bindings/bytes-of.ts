/** The bytes of `view`, in place. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** WebGPU binds, copies and maps whole words of 4 bytes. */
export function roundUpTo4(byteLength: number): number {
  return Math.ceil(byteLength / 4) * 4;
}
