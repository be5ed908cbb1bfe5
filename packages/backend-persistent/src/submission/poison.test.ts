import { output } from "@kiln-gpu/core";
import { fieldAdd } from "@kiln-gpu/kernels";
import { poisonedMemory, withOwnDevice } from "@kiln-gpu/test-support";
import { expect, test } from "vitest";
import { openPersistentBackend } from "../index.js";

test.each([
  [{}, 0],
  // One for the inputs, one for the output, and one that the output is read back through.
  [poisonedMemory, 3],
])("a backend with %o fills %i buffers with the pattern before a small run", (options, expected) =>
  withOwnDevice(async (device) => {
    const filled: GPUBuffer[] = [];
    const { queue } = device;
    const write = queue.writeBuffer.bind(queue);
    queue.writeBuffer = (buffer: GPUBuffer, start: number, data: AllowSharedBufferSource, ...rest: number[]) => {
      if (data instanceof Uint8Array && data[0] === 0xa5) filled.push(buffer);
      write(buffer, start, data, ...rest);
      return undefined;
    };
    const gpu = await openPersistentBackend({ device, store: false, ...options });
    try {
      const a = new Float32Array(64).fill(1);
      const { c } = await gpu.run(fieldAdd, { a, b: a, c: output(Float32Array, 64) });
      expect(c).toEqual(new Float32Array(64).fill(2));
      expect(filled).toHaveLength(expected);
    } finally {
      await gpu.dispose();
    }
  }),
);
