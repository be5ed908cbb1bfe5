export interface BufferRequest {
  readonly byteLength: number;
  /** Bits of WebGPU's `GPUBufferUsage`. */
  readonly usage: number;
}

/** A buffer that a `BufferPool` owns and lends. */
export interface PooledBuffer {
  /** Never used twice in its pool, so it may stand for the buffer in a key. */
  readonly id: number;
  readonly buffer: GPUBuffer;
  /** Bytes of the size class: at least those asked for. */
  readonly byteLength: number;
  readonly usage: number;
}
