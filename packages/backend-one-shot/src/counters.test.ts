import { output } from "@kiln-gpu/core";
import { fieldAddSpirv } from "@kiln-gpu/kernels";
import { RandomData, software } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { openOneShotBackend } from "./index.js";

const data = new RandomData(53);
const bindings = { a: data.floats(1000), b: data.floats(1000), c: output(Float32Array, 1000) };

describe("the counters of what goes on", () => {
  it("tell of a one-shot run while it is under way", async () => {
    const backend = await openOneShotBackend(software);
    const seen: number[] = [];
    const run = backend.run(fieldAddSpirv, bindings).then(() => seen.push(-1));
    while (seen.at(-1) !== -1) {
      seen.push(backend.stats().queue.inFlight);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await run;
    expect(Math.max(...seen)).toBe(1);
    expect(backend.stats()).toMatchObject({
      submissions: 1,
      queue: { waiting: 0, inFlight: 0 },
      buffers: { inUseBytes: 0 },
    });
    await backend.dispose();
  });
});
