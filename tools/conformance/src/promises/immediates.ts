import { bytes, defineKernel, inout, output } from "@kiln-gpu/core";
import { expectError, expectSame, RandomData } from "@kiln-gpu/test-support";
import { beforeAll, describe, expect, it } from "vitest";
import { compileGlsl } from "../support/compile-glsl.js";
import { type Suite, useBackend } from "../support/suite.js";

const head = `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;`;

/** `y = scale * x + offset.z + count`, 32 bytes of immediates. */
const affine = defineKernel({
  label: "affine",
  wgsl: `requires immediate_address_space;
struct Params { scale: f32, count: u32, offset: vec3f }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
var<immediate> params: Params;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&y)) { y[id.x] = params.scale * x[id.x] + params.offset.z + f32(params.count); }
}`,
});

/** 80 bytes, more than WebGPU guarantees. */
const large = defineKernel({
  label: "large",
  wgsl: `struct Large { basis: mat4x4f, factor: f32, shift: vec2f }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
var<immediate> large: Large;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&y)) { y[id.x] = large.factor * x[id.x] + large.basis[3].y + large.shift.y; }
}`,
});

/** One entry point sets its immediates, the next binds the same values as a uniform. */
const chain = defineKernel({
  label: "chain",
  programs: {
    set: {
      wgsl: `${head}\nvar<immediate> by: f32; @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&y)) { y[id.x] = by * x[id.x]; } }`,
    },
    bound: {
      wgsl: `@group(0) @binding(0) var<storage, read_write> y: array<f32>; @group(0) @binding(1) var<uniform> by: f32;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&y)) { y[id.x] += by; } }`,
    },
  },
  passes: () => [{ program: "set" }, { program: "bound" }, { program: "bound", bindings: { by: 100 } }],
});

export function describeImmediates(suite: Suite): void {
  describe("immediates", () => {
    const backend = useBackend(suite);
    const data = new RandomData(61);
    const x = data.words(100, 1000).map((word) => word);
    const floats = Float32Array.from(x);
    const y = output(Float32Array, 100);
    const affineOf = (scale: number, count: number, z: number) => floats.map((value) => scale * value + z + count);
    let spirv: { readonly small: Uint32Array; readonly large: Uint32Array };
    beforeAll(async () => {
      const source = (members: string) => `
        layout(local_size_x = 64) in;
        layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
        layout(std430, set = 0, binding = 1) buffer Y { float y[]; };
        layout(push_constant) uniform Push { ${members} } push;
        void main() { uint i = gl_GlobalInvocationID.x; if (i < y.length()) y[i] = push.scale * x[i] + push.shift.y; }`;
      spirv = {
        small: await compileGlsl(source("float scale; vec2 shift;")),
        large: await compileGlsl(source("float scale; vec4 table[5]; vec2 shift;")),
      };
    });

    it("are values, arrays or bytes, in many runs at once", async () => {
      const runs = Array.from({ length: 40 }, (_, i) => {
        const values = new ArrayBuffer(32);
        new Float32Array(values).set([i, 0, 0, 0, 0, 0, 2 * i]);
        new Uint32Array(values)[1] = 3 * i;
        const shared = new Uint8Array(new SharedArrayBuffer(32));
        shared.set(new Uint8Array(values));
        const given = [
          { scale: i, count: 3 * i, offset: [0, 0, 2 * i] },
          bytes(values),
          new Float32Array(values),
          bytes(shared),
        ];
        return backend().run(affine, { x: floats, y, params: given[i % 4]! });
      });
      for (const [i, results] of (await Promise.all(runs)).entries()) expectSame(results.y, affineOf(i, 3 * i, 2 * i));
    });

    it("are read again from the same array in each run", async () => {
      const by = new Float32Array([3]);
      const kernel = defineKernel({
        label: "scaled",
        wgsl: `${head}\nvar<immediate> by: f32; @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
          if (id.x < arrayLength(&y)) { y[id.x] = by * x[id.x]; } }`,
      });
      for (const factor of [3, 8]) {
        by[0] = factor;
        expectSame(
          (await backend().run(kernel, { x: floats, y, by })).y,
          floats.map((value) => factor * value),
        );
      }
    });

    it("become a buffer beyond the device's limit", async () => {
      const basis = Array.from({ length: 16 }, (_, i) => i);
      for (const factor of [2, 5]) {
        expectSame(
          (await backend().run(large, { x: floats, y, large: { basis, factor, shift: [7, 11] } })).y,
          floats.map((value) => factor * value + 24),
        );
      }
    });

    it("share a value with a uniform of another program", async () => {
      for (const by of [2, 9]) {
        expectSame(
          ((await backend().run(chain, { x: floats, by, y })) as { y: Float32Array }).y,
          floats.map((value) => by * value + by + 100),
        );
      }
    });

    it("are push constants in SPIR-V, few or many", async () => {
      const small = defineKernel({ label: "small", spirv: spirv.small });
      const many = defineKernel({ label: "many", spirv: spirv.large });
      const table = Array.from({ length: 5 }, () => [1, 2, 3, 4]);
      for (const scale of [3, 4]) {
        const push = { scale, shift: [5, 6] };
        const results = await Promise.all([
          backend().run(small, { x: floats, y, push }),
          backend().run(many, { x: floats, y, push: { ...push, table } }),
        ]);
        for (const result of results) {
          expectSame(
            result.y,
            floats.map((value) => scale * value + 6),
          );
        }
      }
    });

    it("run a grid that is too large for one dispatch", async () => {
      const most = backend().device.limits.maxComputeWorkgroupsPerDimension;
      const kernel = defineKernel({
        label: "grid",
        wgsl: `@group(0) @binding(0) var<storage, read_write> last: array<u32>; var<immediate> by: u32;
          @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) { if (id.x % by == 0) { last[id.x / by] = id.x; } }`,
      });
      const by = 1000;
      const count = Math.floor(most / by) + 3;
      const last = output(Uint32Array, count);
      const results = await backend().run(kernel, { last, by }, { workgroups: (count - 1) * by + 1 });
      expectSame(
        results.last,
        Uint32Array.from({ length: count }, (_, i) => i * by),
      );
    });

    it("are checked like uniforms", async () => {
      const run = (params: unknown) => backend().run(affine, { x: floats, y, params: params as Float32Array });
      await expectError(run({ scale: 1, count: 2 }), "invalid-binding", '"params" lacks the member "offset"');
      await expectError(run(new Float32Array(3)), "invalid-binding", "32 bytes; got 12 bytes");
      await expectError(run(output(Float32Array, 8)), "invalid-binding", "which it only reads");
      await expectError(run(inout(new Float32Array(8))), "invalid-binding", "which it only reads");
      expect(await run(new Float32Array(8))).toHaveProperty("y");
    });
  });
}
