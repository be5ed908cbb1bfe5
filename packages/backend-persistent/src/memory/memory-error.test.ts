import { type Bindings, defineKernel, lease, output } from "@kiln-gpu/core";
import { expectError } from "@kiln-gpu/test-support";
import { describe, expect, it } from "vitest";
import type { PersistentComputeBackend } from "../index.js";
import { usingBackend } from "../using-backend.test-support.js";

const fill = defineKernel<Bindings>({
  label: "fill",
  wgsl: `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&y)) { y[id.x] = 1u; }
    }`,
});

const y = output(Uint32Array, 9000);

describe("the error of a memory budget that is too small names the budget and", () => {
  it.each<[string, (gpu: PersistentComputeBackend) => Promise<unknown>, RegExp]>([
    ["the kernel", (gpu) => gpu.run(fill, { y }), /^Kernel "fill" gets no memory/],
    ["the array", (gpu) => gpu.array(Float32Array, 9000), /^The making of a resident Float32Array of 9000 gets/],
    ["the label", (gpu) => gpu.array(Float32Array, 9000, { label: "field" }), /of resident array "field" gets no/],
    ["what is staged", (gpu) => gpu.stage(Float32Array, 9000), /^The staging of 9000 elements gets no memory/],
    [
      "the sequence",
      (gpu) => gpu.record({ y }, (run, all) => run(fill, all), { label: "chain" }),
      /^Sequence "chain" g/,
    ],
  ])("%s", (_, call, words) =>
    usingBackend(
      async (gpu) => {
        await expectError(call(gpu), "limit-exceeded", words, /byteBudget is 4096 bytes\.$/);
      },
      { byteBudget: 4096 },
    ),
  );

  it("the kernel whose memory others do not give back", () =>
    usingBackend(
      async (gpu) => {
        const leases: Disposable[] = [];
        const error = await (async () => {
          for (;;) leases.push((await gpu.run(fill, { y: lease(Uint32Array, 2048) })).y as never);
        })().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: "out-of-memory" });
        expect((error as Error).message).toMatch(/^Kernel "fill" gets no memory\. .*byteBudget/);
        for (const held of leases) held[Symbol.dispose]();
      },
      { byteBudget: 52 * 1024, memoryWaitMs: 20 },
    ));
});
