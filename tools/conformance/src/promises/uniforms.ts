import { type BindingValue, type ComputeBackend, defineKernel, type Output, output } from "@kiln-gpu/core";
import { expectSame } from "@kiln-gpu/test-support";
import { beforeAll, describe, expect, it } from "vitest";
import { compileGlsl } from "../support/compile-glsl.js";
import { type Suite, useBackend } from "../support/suite.js";

const structs = /* wgsl */ `
struct Deep { a: f32, b: vec2i }
struct Inner { deep: Deep, last: u32 }
struct Light { position: vec3f, kind: u32, color: vec3f }
struct Params {
  count: i32,
  offset: vec3f,
  scale: f32,
  basis: mat3x3f,
  lights: array<Light, 2>,
  inner: Inner,
  tall: mat2x4f,
  natural: u32,
}`;

const readAll = /* wgsl */ `
@group(0) @binding(1) var<storage, read_write> floats: array<f32>;
@group(0) @binding(2) var<storage, read_write> integers: array<i32>;
@group(0) @binding(3) var<storage, read_write> naturals: array<u32>;

@compute @workgroup_size(1)
fn main() {
  var at = 0;
  for (var i = 0; i < 3; i++) { floats[at] = params.offset[i]; at++; }
  floats[at] = params.scale; at++;
  for (var c = 0; c < 3; c++) { for (var r = 0; r < 3; r++) { floats[at] = params.basis[c][r]; at++; } }
  for (var l = 0; l < 2; l++) {
    for (var i = 0; i < 3; i++) { floats[at] = params.lights[l].position[i]; at++; }
    for (var i = 0; i < 3; i++) { floats[at] = params.lights[l].color[i]; at++; }
  }
  floats[at] = params.inner.deep.a; at++;
  for (var c = 0; c < 2; c++) { for (var r = 0; r < 4; r++) { floats[at] = params.tall[c][r]; at++; } }
  integers[0] = params.count;
  integers[1] = params.inner.deep.b.x;
  integers[2] = params.inner.deep.b.y;
  naturals[0] = params.lights[0].kind;
  naturals[1] = params.lights[1].kind;
  naturals[2] = params.inner.last;
  naturals[3] = params.natural;
}`;

const params = {
  count: -2147483648,
  offset: [1.5, -2.25, 3.125],
  scale: -4.5,
  basis: [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ],
  lights: [
    { position: [10, 11, 12], kind: 4294967295, color: [13, 14, 15] },
    { position: [16, 17, 18], kind: 5, color: [19, 20, 21] },
  ],
  inner: { deep: { a: 0.1, b: [-3, 2147483647] }, last: 77 },
  tall: [31, 32, 33, 34, 35, 36, 37, 38],
  natural: 4294967294,
};

const expectedFloats = new Float32Array([
  1.5, -2.25, 3.125, -4.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 0.1, 31, 32, 33,
  34, 35, 36, 37, 38,
]);

/** A function that sends a uniform of `type` through a shader, which reads these `components` of it. */
function copierOf(backend: () => ComputeBackend, type: string, components: readonly string[]) {
  const isWhole = /i(?:32)?\b/.test(type);
  const kernel = defineKernel({
    label: `copy of ${type}`,
    wgsl: `@group(0) @binding(0) var<uniform> value: ${type};
      @group(0) @binding(1) var<storage, read_write> copy: array<${isWhole ? "i32" : "f32"}>;
      @compute @workgroup_size(1) fn main() {
        ${components.map((component, i) => `copy[${i}] = value${component};`).join(" ")}
      }`,
  });
  const copy: Output = isWhole ? output(Int32Array, components.length) : output(Float32Array, components.length);
  return async (value: BindingValue) => [...(await backend().run(kernel, { value, copy })).copy];
}

export function describeUniforms(suite: Suite): void {
  describe("uniforms", () => {
    const backend = useBackend(suite);

    it.each(["uniform", "storage, read"])("are read field by field from var<%s>", async (space) => {
      const kernel = defineKernel({
        label: "read-all",
        wgsl: `${structs}\n@group(0) @binding(0) var<${space}> params: Params;\n${readAll}`,
        threads: () => 1,
      });
      const results = await backend().run(kernel, {
        params,
        floats: output(Float32Array, expectedFloats.length),
        integers: output(Int32Array, 3),
        naturals: output(Uint32Array, 4),
      });
      expectSame(results.floats, expectedFloats);
      expect([...results.integers]).toEqual([-2147483648, -3, 2147483647]);
      expect([...results.naturals]).toEqual([4294967295, 5, 77, 4294967294]);
    });

    it("accept numbers, lists, lists of lists and typed arrays", async () => {
      const vector = copierOf(backend, "vec3f", [".x", ".y", ".z"]);
      expect(await vector([1, 2, 3])).toEqual([1, 2, 3]);
      expect(await vector(new Float32Array([4, 5, 6]))).toEqual([4, 5, 6]);
      const matrix = copierOf(backend, "mat2x3f", ["[0].x", "[0].y", "[0].z", "[1].x", "[1].y", "[1].z"]);
      const columns = [
        [7, 8, 9],
        [10, 11, 12],
      ];
      expect(await matrix(columns.flat())).toEqual(columns.flat());
      expect(await matrix(columns)).toEqual(columns.flat());
      // The bytes as the shader sees them, with padding after each column.
      expect(await matrix(new Float32Array([1, 2, 3, 99, 4, 5, 6, 99]))).toEqual([1, 2, 3, 4, 5, 6]);
      const list = copierOf(backend, "array<vec4i, 2>", ["[0].x", "[0].w", "[1].x", "[1].w"]);
      const rows = [
        [-1, 0, 0, -2],
        [3, 0, 0, 4],
      ];
      expect(await list(rows)).toEqual([-1, -2, 3, 4]);
      expect(await list(new Int32Array([-5, 0, 0, -6, 7, 0, 0, 8]))).toEqual([-5, -6, 7, 8]);
      expect(await copierOf(backend, "i32", [""])(-9)).toEqual([-9]);
    });

    it("of extreme values arrive unchanged", async () => {
      const scalar = copierOf(backend, "f32", [""]);
      // A device may flush denormals, so there are none.
      for (const value of [0, -0, 2 ** -126, 3.4028234663852886e38, 16777217, 0.1]) {
        expect(await scalar(value)).toEqual([Math.fround(value)]);
      }
    });

    it("of one member accept the member's value", async () => {
      const kernel = defineKernel({
        label: "sole member",
        wgsl: `struct Only { factor: f32 }
          @group(0) @binding(0) var<uniform> only: Only;
          @group(0) @binding(1) var<storage, read_write> copy: array<f32>;
          @compute @workgroup_size(1) fn main() { copy[0] = only.factor; }`,
      });
      for (const only of [2.5, { factor: 2.5 }]) {
        expect((await backend().run(kernel, { only, copy: output(Float32Array, 1) })).copy[0]).toBe(2.5);
      }
    });
  });

  describe("uniforms of SPIR-V", () => {
    const backend = useBackend(suite);
    let spirv: Uint32Array;
    beforeAll(async () => {
      spirv = await compileGlsl(`
        layout(local_size_x = 1) in;
        struct Pair { vec3 first; uint second; };
        layout(std140, set = 0, binding = 0) uniform Params {
          float alpha; vec3 offset; uint count; mat3 basis; vec4 list[2]; Pair pair; int last;
        } params;
        layout(std430, set = 0, binding = 1) buffer Floats { float floats[]; };
        layout(std430, set = 0, binding = 2) buffer Integers { int integers[]; };
        void main() {
          int at = 0;
          floats[at++] = params.alpha;
          for (int i = 0; i < 3; i++) floats[at++] = params.offset[i];
          for (int c = 0; c < 3; c++) for (int r = 0; r < 3; r++) floats[at++] = params.basis[c][r];
          for (int l = 0; l < 2; l++) for (int i = 0; i < 4; i++) floats[at++] = params.list[l][i];
          for (int i = 0; i < 3; i++) floats[at++] = params.pair.first[i];
          integers[0] = int(params.count);
          integers[1] = int(params.pair.second);
          integers[2] = params.last;
        }`);
    });

    it("are read field by field", async () => {
      const kernel = defineKernel({ label: "read-all-spirv", spirv, threads: () => 1 });
      const results = await backend().run(kernel, {
        params: {
          alpha: 0.5,
          offset: [1, 2, 3],
          count: 4,
          basis: [5, 6, 7, 8, 9, 10, 11, 12, 13],
          list: [
            [14, 15, 16, 17],
            [18, 19, 20, 21],
          ],
          pair: { first: [22, 23, 24], second: 25 },
          last: -26,
        },
        floats: output(Float32Array, 24),
        integers: output(Int32Array, 3),
      });
      const from5 = Array.from({ length: 17 }, (_, i) => i + 5);
      expect([...results.floats]).toEqual([0.5, 1, 2, 3, ...from5, 22, 23, 24]);
      expect([...results.integers]).toEqual([4, 25, -26]);
    });
  });
}
