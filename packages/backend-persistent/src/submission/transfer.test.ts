import { output } from "@kiln-gpu/core";
import { fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import { expectNothingLive, expectSame, RandomData, software } from "@kiln-gpu/test-support";
import { expect, test } from "vitest";
import { openPersistentBackend } from "../index.js";

const data = new RandomData(71);

// Two inputs of 4 bytes an element: 4096 elements are 32 KiB, from which a lone run's inputs go to the queue one by
// one, and 16,384 are 128 KiB, from which uploads are staged.
test.each([1, 4095, 4096, 4097, 16_383, 16_384, 16_385, 65_536])(
  "inputs of %i elements arrive, of one run and of three in one submission, also when they are repeated",
  async (length) => {
    const gpu = await openPersistentBackend(software);
    try {
      const add = async () => {
        const [a, b] = [data.floats(length), data.floats(length)];
        const { c } = await gpu.run(fieldAddSpirv, { a, b, c: output(Float32Array, length) });
        expectSame(c, fieldAddReference(a, b));
      };
      for (let i = 0; i < 3; i += 1) await add();
      const before = gpu.stats().submissions;
      for (let i = 0; i < 3; i += 1) await Promise.all([add(), add(), add()]);
      expect(gpu.stats().submissions - before).toBe(3);
    } finally {
      await gpu.dispose();
      expectNothingLive(gpu);
    }
  },
);
