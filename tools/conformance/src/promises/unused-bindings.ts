import { defineKernel, inout, lease, output } from "@kiln-gpu/core";
import { expectError, expectSame, RandomData } from "@kiln-gpu/test-support";
import { beforeAll, describe, expect, it } from "vitest";
import { compileGlsl } from "../support/compile-glsl.js";
import { type Suite, useBackend } from "../support/suite.js";

/** `scaled` does not use `offset`, `extra` and `log`; `shifted` does not use `factor` and `log`. */
const text = /* wgsl */ `
struct Offset { by: u32, times: vec2u }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<uniform> factor: u32;
@group(0) @binding(1) var<uniform> offset: Offset;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<storage, read> extra: array<u32>;
@group(1) @binding(0) var<storage, read_write> log: array<u32>;
@compute @workgroup_size(64) fn scaled(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&y)) { y[id.x] = x[id.x] * factor; }
}
@compute @workgroup_size(64) fn shifted(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&y)) { y[id.x] = x[id.x] + extra[id.x] + offset.by * offset.times.y; }
}`;
const scaled = defineKernel({ label: "scaled", wgsl: text, entryPoint: "scaled" });
const shifted = defineKernel({ label: "shifted", wgsl: text, entryPoint: "shifted" });

/** Has one entry point, so its type requires everything that it declares. */
const doubled = defineKernel({
  label: "doubled",
  wgsl: `@group(0) @binding(0) var<storage, read> x: array<u32>;
    @group(0) @binding(1) var<uniform> factor: u32;
    @group(0) @binding(2) var<storage, read_write> y: array<u32>;
    @group(0) @binding(3) var<storage, read_write> log: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&y)) { y[id.x] = 2 * x[id.x]; }
    }`,
});

export function describeUnusedBindings(suite: Suite): void {
  describe("a binding that the shader declares and its entry point does not use", () => {
    const backend = useBackend(suite);
    const data = new RandomData(59);
    const x = data.words(100, 1000);
    const y = output(Uint32Array, 100);
    let spirv: Uint32Array;
    beforeAll(async () => {
      spirv = await compileGlsl(`
        layout(local_size_x = 64) in;
        layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
        layout(std140, set = 0, binding = 1) uniform Params { vec3 offset; float factor; uint table[3]; } params;
        layout(std430, set = 0, binding = 2) buffer Y { uint y[]; };
        layout(std430, set = 0, binding = 3) buffer Log { uint log_[]; };
        void main() { uint i = gl_GlobalInvocationID.x; if (i < y.length()) y[i] = 2u * x[i]; }`);
    });

    it("may be given, as the type requires", async () => {
      for (const value of [7, new Uint32Array([7])]) {
        const results = await backend().run(doubled, { x, factor: value, y, log: new Uint32Array(50_000) });
        expectSame(
          results.y,
          x.map((element) => 2 * element),
        );
      }
    });

    it("may be given as another entry point uses it", async () => {
      const all = { x, factor: 3, offset: { by: 5, times: [1, 2] }, y, extra: x };
      for (let round = 0; round < 2; round += 1) {
        const [first, second] = await Promise.all([backend().run(scaled, all), backend().run(shifted, all)]);
        expectSame(
          first.y,
          x.map((element) => 3 * element),
        );
        expectSame(
          second.y,
          x.map((element) => 2 * element + 10),
        );
      }
    });

    it("may be left out", async () => {
      expectSame(
        (await backend().run(scaled, { x, factor: 3, y })).y,
        x.map((element) => 3 * element),
      );
    });

    it("is checked as if it were used, in each run", async () => {
      const run = (bindings: object) => backend().run(scaled, { x, factor: 3, y, ...bindings });
      for (let round = 0; round < 2; round += 1) {
        await run({ offset: { by: 1, times: [1, 1] } });
        await expectError(run({ offset: { by: 1 } }), "invalid-binding", '"offset" lacks the member "times"');
        await expectError(run({ extra: new Float32Array(3) }), "invalid-binding", 'declares "extra" as array<u32>');
        await expectError(run({ extra: new Uint32Array(0) }), "invalid-binding", '"extra" with no elements');
        await expectError(run({ others: 1 }), "invalid-binding", 'has no binding "others"');
      }
    });

    it("cannot take a result", async () => {
      for (const result of [output(Uint32Array, 3), lease(Uint32Array, 3), inout(new Uint32Array(3))]) {
        const words = ['declares "log" and does not use it', "use it in the shader, or remove it from both"];
        await expectError(backend().run(scaled, { x, factor: 3, y, log: result }), "invalid-binding", ...words);
      }
    });

    it("of SPIR-V has its name and layout too", async () => {
      const kernel = defineKernel({ label: "spirv", spirv });
      const params = { offset: [1, 2, 3], factor: 4, table: [5, 6, 7] };
      const results = await backend().run(kernel, { x, params, y, log_: new Uint32Array(3) });
      expect(results.y).toEqual(x.map((element) => 2 * element));
      const run = (bindings: object) => backend().run(kernel, { x, y, ...bindings });
      await expectError(run({ params: { ...params, table: [5, 6] } }), "invalid-binding", "params.table");
      await expectError(run({ params: new Float32Array(3) }), "invalid-binding", "64 bytes; got 12 bytes");
      await expectError(run({ log_: output(Uint32Array, 3) }), "invalid-binding", "does not use it");
    });
  });
}
