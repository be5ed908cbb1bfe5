import {
  defineKernel,
  type Kernel,
  type Output,
  output,
  type RunOptions,
  type Threads,
  type Workgroups,
} from "@kiln-gpu/core";
import { fieldAdd } from "@kiln-gpu/kernels";
import { expectError, expectSame, RandomData } from "@kiln-gpu/test-support";
import { beforeAll, describe, expect, it } from "vitest";
import { compileGlsl } from "../support/compile-glsl.js";
import { type Suite, useBackend } from "../support/suite.js";

/** Grids of more than one part; the last part is one workgroup, or one short of full. */
const large: readonly (readonly [number, number, number])[] = [
  [65_535, 1, 1],
  [65_536, 1, 1],
  [70_000, 1, 1],
  [131_071, 1, 1],
  [1, 65_537, 1],
  [2, 1, 66_000],
  [65_536, 3, 1],
];

const outputs = /* wgsl */ `
struct Place { id: vec3u, order: u32, workgroup: vec3u, local: u32, grid: vec3u }
@group(0) @binding(0) var<storage, read_write> visits: array<atomic<u32>>;
@group(0) @binding(1) var<storage, read_write> places: array<Place>;
@group(0) @binding(2) var<uniform> offset: u32;

fn note(id: vec3u, workgroup: vec3u, grid: vec3u, local: u32) {
  let order = id.x + grid.x * (id.y + grid.y * id.z);
  atomicAdd(&visits[order], offset);
  places[order] = Place(id, order, workgroup, local, grid);
}`;

/** The same kernel with its builtins as parameters and as members of a struct. */
const sources = {
  parameters: /* wgsl */ `${outputs}
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) local: u32) {
  note(id, workgroup, grid, local);
}`,
  struct: /* wgsl */ `${outputs}
struct Where {
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(global_invocation_id) id: vec3u,
}
@compute @workgroup_size(1) fn main(place: Where, @builtin(workgroup_id) workgroup: vec3u) {
  var copy = place;
  note(copy.id, workgroup, copy.grid, place.local);
}`,
} as const;

export function describeDispatchSize(suite: Suite): void {
  describe("a dispatch", () => {
    const backend = useBackend(suite);
    const data = new RandomData(5);

    async function expectWhole(kernel: Kernel, [x, y, z]: readonly [number, number, number]): Promise<void> {
      const count = x * y * z;
      const { visits, places } = await backend().run(
        kernel,
        { offset: 3, visits: output(Uint32Array, count), places: output(Uint32Array, count * 12) },
        { workgroups: [x, y, z] },
      );
      expectSame(visits, new Uint32Array(count).fill(3));
      const expected = new Uint32Array(count * 12);
      for (let i = 0; i < count; i += 1) {
        const place = [i % x, Math.floor(i / x) % y, Math.floor(i / (x * y))];
        expected.set([...place, i, ...place, 0, x, y, z, 0], i * 12);
      }
      expectSame(places, expected);
    }

    describe.each(["parameters", "struct"] as const)("with builtins in %s", (form) => {
      const kernel = defineKernel({ label: "places", wgsl: sources[form] });
      it.each(form === "parameters" ? large : large.slice(3, 4))(
        "of [%i, %i, %i] workgroups behaves as one",
        (...grid) => expectWhole(kernel, grid),
      );
    });

    describe("from SPIR-V", () => {
      let spirv: Uint32Array;
      beforeAll(async () => {
        spirv = await compileGlsl(`
          layout(local_size_x = 1) in;
          struct Place { uvec3 id; uint order; uvec3 workgroup; uint local; uvec3 grid; };
          layout(std430, set = 0, binding = 0) buffer Visits { uint visits[]; };
          layout(std430, set = 0, binding = 1) buffer Places { Place places[]; };
          layout(std140, set = 0, binding = 2) uniform Offset { uint offset; };
          void main() {
            uvec3 id = gl_GlobalInvocationID;
            uvec3 grid = gl_NumWorkGroups;
            uint order = id.x + grid.x * (id.y + grid.y * id.z);
            atomicAdd(visits[order], offset);
            places[order] = Place(id, order, gl_WorkGroupID, gl_LocalInvocationIndex, grid);
          }`);
      });
      it("of 70,000 workgroups behaves as one", () =>
        expectWhole(defineKernel({ label: "places", spirv }), [70_000, 1, 1]));
    });

    it("of many workgroups of several threads behaves as one", async () => {
      const square = defineKernel({
        label: "square",
        wgsl: `@group(0) @binding(0) var<storage, read> a: array<u32>;
          @group(0) @binding(1) var<storage, read_write> c: array<u32>;
          @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
            if (id.x < arrayLength(&c)) { c[id.x] = a[id.x] * a[id.x]; }
          }`,
      });
      const a = data.words(4 * 65_535 + 7, 65_535);
      const small = data.words(9, 65_535);
      // At the same time, one in parts and one not.
      const [first, second] = await Promise.all([
        backend().run(square, { a, c: output(Uint32Array, a.length) }),
        backend().run(square, { a: small, c: output(Uint32Array, 9) }),
      ]);
      expectSame(
        first.c,
        a.map((value) => value * value),
      );
      expectSame(
        second.c,
        small.map((value) => value * value),
      );
    });

    it("is refused if the shader could see its parts, and runs if there is only one", async () => {
      const c = output(Uint32Array, 3);
      const body = "@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>)";
      const redefined = defineKernel({
        label: "redefined",
        wgsl: `@group(0) @binding(0) var<storage, read_write> c: array<u32>;
          struct vec4 { x: u32 }
          ${body} { let one = vec4(id.x + 1); if (id.x < 3) { c[id.x] = one.x; } }`,
      });
      expect([...(await backend().run(redefined, { c }, { workgroups: 3 })).c]).toEqual([1, 2, 3]);
      await expectError(
        backend().run(redefined, { c }, { workgroups: 65_536 }),
        "limit-exceeded",
        /"redefined".*65536.*65535/,
        /vec4/,
      );
      const linear = defineKernel({
        label: "linear",
        wgsl: `requires linear_indexing;
          @group(0) @binding(0) var<storage, read_write> c: array<u32>;
          @compute @workgroup_size(1) fn main(@builtin(workgroup_index) i: u32) { c[i] = i; }`,
      });
      await expectError(
        backend().run(linear, { c }, { workgroups: [1, 70_000] }),
        "limit-exceeded",
        /"linear".*70000/,
        /workgroup_index/,
      );
    });

    it("that is too large to count or to split is refused", async () => {
      const bindings = { a: data.floats(1), b: data.floats(1), c: output(Float32Array, 1) };
      const run = (workgroups: Workgroups) => backend().run(fieldAdd, bindings, { workgroups });
      await expectError(run(2 ** 24 + 1), "limit-exceeded", /"field-add".*16777217/, /2\^32/);
      // Both within and beyond the device's limit for each dimension.
      await expectError(run([70_000, 70_000, 1]), "limit-exceeded", /"field-add".*\[70000, 70000, 1\]/, /2\^32/);
      await expectError(run([65_535, 65_535, 2]), "limit-exceeded", /"field-add".*\[65535, 65535, 2\]/, /2\^32/);
    });

    it("is given in threads: as a number, per dimension, or as a function of the bindings", async () => {
      const wgsl = `@group(0) @binding(0) var<storage, read_write> grid: array<u32>;
        @compute @workgroup_size(4, 2)
        fn main(@builtin(num_workgroups) count: vec3u) { grid[0] = count.x; grid[1] = count.y; grid[2] = count.z; }`;
      const kernel = defineKernel({ label: "grid", wgsl, threads: 400 });
      const gridOf = async (options: RunOptions) => [
        ...(await backend().run(kernel, { grid: output(Uint32Array, 3) }, options)).grid,
      ];
      expect(await gridOf({})).toEqual([100, 1, 1]);
      expect(await gridOf({ threads: 9 })).toEqual([3, 1, 1]);
      expect(await gridOf({ threads: [9, 5, 2] })).toEqual([3, 3, 2]);
      expect(await gridOf({ threads: ({ grid }) => [(grid as Output).length, 5] })).toEqual([1, 3, 1]);
      await expectError(gridOf({ threads: -1 }), "invalid-option", /"grid".*"threads".*-1/);
      await expectError(gridOf({ threads: 4, workgroups: 1 }), "invalid-option", /"grid".*both.*threads.*workgroups/);
      const failing = gridOf({ threads: ({ gird }) => (gird as Output).length });
      await expectError(failing, "invalid-option", /"grid": its function `threads` threw TypeError/);
    });

    it("defaults to one thread per output element, and is required if outputs differ in length", async () => {
      const kernel = defineKernel({
        label: "double",
        wgsl: `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
          @group(0) @binding(1) var<storage, read_write> z: array<vec4u>;
          @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) {
            if (id.x < arrayLength(&y)) { y[id.x] = id.x + 1; }
            if (id.x < arrayLength(&z)) { z[id.x] = vec4u(id.x + 1); }
          }`,
      });
      const counts = (length: number, width = 1) =>
        Uint32Array.from({ length: length * width }, (_, i) => 1 + Math.floor(i / width));
      const run = (length: number, vectors: number, options: RunOptions = {}) =>
        backend().run(kernel, { y: output(Uint32Array, length), z: output(Uint32Array, 4 * vectors) }, options);
      const same = await run(5, 5);
      expectSame(same.y, counts(5));
      expectSame(same.z, counts(5, 4));
      await expectError(run(3, 6), "invalid-kernel", /"y" of 3 elements and "z" of 6/, /\({ z }\) => z.length \/ 4/);
      await expectError(run(6, 3), "invalid-kernel", /"y" of 6 elements and "z" of 3/, /\({ y }\) => y.length`/);
      for (const [length, vectors] of [
        [3, 6],
        [6, 3],
      ] as const) {
        const { y, z } = await run(length, vectors, { threads: 6 });
        expectSame(y, counts(length));
        expectSame(z, counts(vectors, 4));
      }
    });

    it("has the size that the kernel or the run gives", async () => {
      const wgsl = `@group(0) @binding(0) var<storage, read_write> grid: array<u32>;
        @compute @workgroup_size(4, 2)
        fn main(@builtin(num_workgroups) count: vec3u) { grid[0] = count.x; grid[1] = count.y; grid[2] = count.z; }`;
      const bindings = { grid: output(Uint32Array, 3) };
      const gridOf = async (threads: Threads | undefined, workgroups?: Workgroups) => {
        const kernel = defineKernel({ label: "grid", wgsl, ...(threads !== undefined && { threads: () => threads }) });
        const options = workgroups === undefined ? {} : { workgroups };
        return [...(await backend().run(kernel, bindings, options)).grid];
      };
      expect(await gridOf([9, 5, 2])).toEqual([3, 3, 2]);
      expect(await gridOf(8)).toEqual([2, 1, 1]);
      expect(await gridOf(8, [5, 4])).toEqual([5, 4, 1]);
      expect(await gridOf(undefined, 6)).toEqual([6, 1, 1]);
      await expectError(gridOf(undefined), "invalid-kernel", /"grid".*threads.*\[4, 2, 1\]/);
      await expectError(gridOf([-1]), "invalid-kernel", /"grid".*"threads".*-1/);
      await expectError(gridOf(8, [1, 0.5]), "invalid-option", /"grid".*"workgroups".*0\.5/);
    });
  });
}
