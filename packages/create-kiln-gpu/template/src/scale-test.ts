import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openPersistentBackend, output, type PersistentComputeBackend, softwareGpu } from "kiln-gpu";
import { scale } from "./scale.wgsl.js";

let gpu: PersistentComputeBackend;
before(async () => {
  gpu = await openPersistentBackend({ fallback: softwareGpu });
});
after(() => gpu.dispose());

test("scale multiplies each element", async () => {
  const x = Float32Array.from({ length: 1000 }, (_, i) => i);
  const { y } = await gpu.run(scale, { factor: 2, x, y: output(Float32Array, x.length) });
  assert.deepEqual(
    y,
    x.map((value) => 2 * value),
  );
});
