/**
 * The types that are written are those that the type checker reads out of a literal: both are compiled and compared.
 */

import { join } from "node:path";
import { loadEntryPoints } from "@kiln-gpu/shader";
import { expect, it } from "vitest";
import { bindingsType } from "./host-type.js";
import { createProject, readSource, scale, typeErrors } from "./project.test-support.js";

const main = (declarations: string, body: string) =>
  `${declarations}\n@compute @workgroup_size(1) fn main() { ${body} }`;

const texts: { readonly [name: string]: string } = {
  scale,
  values: main(
    `struct Light { position: vec3f, kind: u32 }
    struct Params { count: i32, @align(16) @size(32) offset: vec3<f32>, lights: array<Light, 2>, first: Light }
    @group(0) @binding(0) var<uniform> params: Params;
    @group(0) @binding(1) var<uniform> offset: vec3f;
    @group(0) @binding(2) var<uniform> basis: mat3x3f;
    @group(0) @binding(3) var<uniform> table: array<vec4<i32>, 4>;
    @group(0) @binding(4) var<uniform> factor: f32;
    @group(0) @binding(5) var<storage> weights: array<f32, 3 * (2 + 1)>;
    @group(0) @binding(6) var<storage, read_write> counter: atomic<u32>;
    @group(0) @binding(7) var<storage> grid: array<array<f32, 2>, 3>;
    @group(0) @binding(8) var<storage> poses: array<mat4x4f, 2>;`,
    "_ = params.count; _ = offset; _ = basis; _ = table[0]; _ = factor; _ = weights[0]; _ = &counter; _ = grid[0]; _ = poses[0];",
  ),
  soleMembers: main(
    `struct Only { factor: f32 } struct Outer { inner: Only } struct Pair { a: u32, b: u32 } struct Around { pair: Pair }
    struct Many { all: array<vec4f, 2> } struct Posed { pose: mat2x2f }
    @group(0) @binding(0) var<uniform> only: Only;
    @group(0) @binding(1) var<uniform> outer: Outer;
    @group(0) @binding(2) var<uniform> around: Around;
    @group(0) @binding(3) var<uniform> many: Many;
    @group(0) @binding(4) var<uniform> posed: Posed;`,
    "_ = only.factor; _ = outer.inner; _ = around.pair; _ = many.all[0]; _ = posed.pose;",
  ),
  arrays: main(
    `enable f16;
    struct Items { count: u32, scale: f32, items: array<vec2f> } struct Rows { rows: array<u32> }
    @group(0) @binding(0) var<storage> halves: array<f16>;
    @group(0) @binding(1) var<storage, read_write> half: vec2h;
    @group(0) @binding(2) var<storage> items: Items;
    @group(0) @binding(3) var<storage, read_write> rows: Rows;
    @group(0) @binding(4) var<storage, read_write> counts: array<atomic<i32>>;
    @group(0) @binding(5) var<storage> constructor: array<mat2x3<f32>>;`,
    "_ = halves[0]; _ = half; _ = items.count; _ = rows.rows[0]; _ = &counts; _ = constructor[0];",
  ),
};

const corpus = [
  "add",
  "atomic-compare",
  "histogram",
  "loops",
  "matrix-inverse",
  "shared-reduction",
  "switch",
  "uniform-vectors",
];

it("writes the types that a literal has", async () => {
  const read = await Promise.all(corpus.map(async (name) => [name, `${await readSource(`${name}.wgsl`)}`] as const));
  const all = [...Object.entries(texts), ...read];
  const files = await Promise.all(
    all.map(async ([name, wgsl]) => {
      const [loaded] = await loadEntryPoints({ wgsl }, name);
      const code = `import * as kiln from "@kiln-gpu/core";
        type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? "equal" : { A: A; B: B };
        const read = ${JSON.stringify(wgsl)};
        type Read = kiln.WgslBindings<typeof read>;
        type Written = ${bindingsType(loaded!.interface.bindings)};
        export const isEqual: { readonly [Name in keyof (Read & Written)]: Equal<Read[Name], Written[Name]> } = {
          ${loaded!.interface.bindings.map((binding) => `${binding.name}: "equal"`).join(", ")} };
        export const haveSameNames: Equal<keyof Read, keyof Written> = "equal";
        export const isForKernels: Written extends kiln.Bindings ? true : false = true;`;
      return [`${name}.ts`, code] as const;
    }),
  );
  const project = await createProject(Object.fromEntries(files));
  const errors = typeErrors(files.map(([path]) => join(project.folder, path)));
  expect(errors).toEqual(files.map(() => []));
});

it("writes names that are not identifiers, and names that every object inherits", () => {
  const layout = { kind: "scalar", scalar: "f32", byteLength: 4 } as const;
  const binding = (name: string) => ({ name, group: 0, binding: 0, kind: "uniform", access: "read", layout }) as const;
  expect(bindingsType([binding("0/2"), binding("größe"), binding('a"\n'), binding("__proto__")])).toBe(`{
  readonly "0/2": number | Float32Array | kiln.Bytes;
  readonly größe: number | Float32Array | kiln.Bytes;
  readonly "a\\"\\n": number | Float32Array | kiln.Bytes;
  readonly __proto__: number | Float32Array | kiln.Bytes;
}`);
  expect(bindingsType([])).toBe("Record<never, never>");
});
