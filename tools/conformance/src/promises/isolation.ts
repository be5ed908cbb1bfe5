import { defineKernel, inout, output } from "@kiln-gpu/core";
import { RandomData } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import { type Suite, useBackend } from "../support/suite.js";

/** Reads and writes `offset` elements past the right place. */
const stray = defineKernel({
  label: "stray",
  wgsl: `@group(0) @binding(0) var<storage, read> x: array<u32>;
    @group(0) @binding(1) var<storage, read_write> y: array<u32>;
    @group(0) @binding(2) var<storage, read_write> z: array<u32>;
    @group(0) @binding(3) var<uniform> offset: u32;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      y[id.x] = x[id.x + offset];
      z[id.x + offset] = 0xbadu;
    }`,
  threads: () => 256,
});

const data = new RandomData(77);

/** Elements whose upper half names their owner. */
const marked = (length: number, owner: number) =>
  data.words(length, 0xffff).map((value) => owner * 0x10000 + value + 1);

export function describeIsolation(suite: Suite): void {
  const backend = useBackend(suite);

  describe("a kernel whose indices are out of bounds", () => {
    it("reaches no other run's inputs, results or uniforms", async () => {
      const count = Math.min(suite.manyRuns, 40);
      await Promise.all(
        Array.from({ length: count }, async (_, i) => {
          const owner = i + 1;
          const length = 4 + data.upTo(100);
          // Close enough to hit a neighbor, and far beyond every buffer.
          const offset = [0, 1, length, 64, 4096, 2 ** 20, 2 ** 30, 2 ** 32 - 1][i % 8]!;
          const x = marked(length, owner);
          const z = marked(length, owner);
          const results = await backend().run(stray, { x, y: output(Uint32Array, 256), z: inout(z), offset });
          // WebGPU does not define which element of the same binding a stray index reaches, or whether it reaches any.
          for (const [at, value] of results.y.entries()) {
            if (at + offset < length) expect(value).toBe(x[at + offset]);
            else
              expect(value === 0 || x.includes(value), `y[${at}] of run ${owner} is ${value.toString(16)}`).toBe(true);
          }
          for (const [at, value] of results.z.entries()) {
            expect(value === z[at] || value === 0xbad, `z[${at}] of run ${owner} is ${value.toString(16)}`).toBe(true);
          }
        }),
      );
    });
  });
}
