import { bufferUsage, mapMode } from "@kiln-gpu/webgpu";
import { copyOut, createAddition, type HandTuned } from "./addition.js";
import type { Reference } from "./reference.js";

/** Copies inputs into a staging buffer and from there on the device. Maps it again during the wait for the sum. */
export function createMappedStaging(reference: Reference, length: number, promises = true): HandTuned {
  const size = length * 4;
  const addition = createAddition(reference, length, promises);
  const staging = reference.device.createBuffer({
    size: size * 2,
    usage: bufferUsage.mapWrite | bufferUsage.copySource,
    mappedAtCreation: true,
  });
  let mapped: Promise<undefined> = Promise.resolve(undefined);
  return {
    name: promises ? "mapped staging" : "mapped staging, bare",
    async add(left, right, into) {
      await mapped;
      const view = new Float32Array(staging.getMappedRange());
      view.set(left);
      view.set(right, length);
      const encoder = addition.begin();
      staging.unmap();
      encoder.copyBufferToBuffer(staging, 0, addition.a, 0, size);
      encoder.copyBufferToBuffer(staging, size, addition.b, 0, size);
      const failure = addition.submit(encoder);
      mapped = staging.mapAsync(mapMode.write);
      return copyOut(addition, failure, into);
    },
  };
}
