import { bufferUsage, mapMode } from "@kiln-gpu/webgpu";
import { createAddition } from "./addition.js";
import type { Reference } from "./reference.js";

/** An addition whose caller writes and reads mapped memory, so that the host copies nothing. */
export interface InPlace {
  /** Mapped memory for the inputs; write all of it before `run`. */
  inputs(): Promise<{ readonly a: Float32Array; readonly b: Float32Array }>;
  /** The sum in mapped memory; valid until `release`. */
  run(): Promise<Float32Array>;
  release(): void;
}

export function createMappedInPlace(reference: Reference, length: number): InPlace {
  const size = length * 4;
  const addition = createAddition(reference, length, true);
  const staging = reference.device.createBuffer({
    size: size * 2,
    usage: bufferUsage.mapWrite | bufferUsage.copySource,
    mappedAtCreation: true,
  });
  let mapped: Promise<undefined> = Promise.resolve(undefined);
  return {
    async inputs() {
      await mapped;
      const range = staging.getMappedRange();
      return { a: new Float32Array(range, 0, length), b: new Float32Array(range, size) };
    },
    run() {
      const encoder = addition.begin();
      staging.unmap();
      encoder.copyBufferToBuffer(staging, 0, addition.a, 0, size);
      encoder.copyBufferToBuffer(staging, size, addition.b, 0, size);
      const failure = addition.submit(encoder);
      mapped = staging.mapAsync(mapMode.write);
      return addition.map(failure);
    },
    release() {
      addition.unmap();
    },
  };
}
