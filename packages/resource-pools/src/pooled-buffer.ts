export interface BufferRequest {
  readonly byteLength: number;
  /** Bits of WebGPU's `GPUBufferUsage`. */
  readonly usage: number;
}

/** A buffer that a `BufferPool` lends. */
export interface PooledBuffer {
  /** A number that no other buffer of the pool ever has, so it can stand for the buffer in a key. */
  readonly id: number;
  readonly buffer: GPUBuffer;
  /** The bytes of the size class: at least those requested. */
  readonly byteLength: number;
  readonly usage: number;
}
