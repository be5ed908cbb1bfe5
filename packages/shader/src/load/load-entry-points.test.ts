import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { loadEntryPoints } from "../index.js";

const entryPointsOf = async (...given: Parameters<typeof loadEntryPoints>) =>
  (await loadEntryPoints(...given)).map(({ interface: shader }) => [
    shader.entryPoint,
    ...shader.bindings.map(({ name }) => name),
  ]);

it("reads each compute entry point with what it alone binds", async () => {
  const wgsl = `
    @group(0) @binding(0) var<storage> a: array<f32>;
    @group(0) @binding(1) var<storage, read_write> b: array<f32>;
    @compute @workgroup_size(1) fn fill() { b[0] = 1; }
    @fragment fn paint() {}
    @compute @workgroup_size(1) fn copy() { b[0] = a[0]; }`;
  expect(await entryPointsOf({ wgsl }, "The shader")).toEqual([
    ["fill", "b"],
    ["copy", "a", "b"],
  ]);
});

it("reads the compute entry points of a SPIR-V module", async () => {
  const module = new URL("../../../../tools/corpus/modules/entry-points.naga.spv", import.meta.url);
  expect(await entryPointsOf({ spirv: await readFile(module) }, "The shader")).toEqual([
    ["first", "0/0"],
    ["second", "0/0"],
  ]);
});

it("reads what has constants without a default", async () => {
  const wgsl = `override n: u32; @id(3) override deep: bool; override half = n / 2;
    @group(0) @binding(0) var<storage, read_write> b: array<u32>;
    @compute @workgroup_size(n) fn main() { if (deep) { b[0] = n + half; } }`;
  const [loaded] = await loadEntryPoints({ wgsl, file: "a.wgsl" }, "The shader");
  expect(loaded).toMatchObject({ file: "a.wgsl", constants: { n: 1, 3: 1 }, interface: { workgroupSize: [1, 1, 1] } });
});

it("refuses a source without a compute entry point", async () => {
  await expect(loadEntryPoints({ wgsl: "" }, "The shader")).rejects.toMatchObject({
    code: "unsupported-shader",
    message: "The shader has no compute entry point, and only those run.",
  });
});

it.each([
  ["@group(0) @binding(0) var image: texture_2d<f32>;", "_ = image;", 1, 27, 5],
  ["@group(0) @binding(x) var<storage> a: u32;", "_ = a;", 1, 11, 11],
  ["@group(0) var<storage> a: u32;", "_ = a;", 1, 24, 1],
  ["struct S {\n  flag: bool }\n@group(0) @binding(0) var<uniform> a: S;", "_ = a;", 2, 9, 4],
  ["@group(0) @binding(0) var<uniform> a: array<u32, u32(log2(8.0))>;", "_ = a[0];", 1, 50, 14],
])("says where it is that an entry point cannot be bound: %j", async (before, body, line, column, length) => {
  const wgsl = `${before}\n@compute @workgroup_size(1) fn main() { ${body} }`;
  const error = await loadEntryPoints({ wgsl }, "The shader").catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    message: expect.stringMatching(/^The shader /u),
    diagnostics: [{ line, column, length }],
  });
});

it.each([
  ["@compute fn main() {}", 1, 13],
  ["@compute @workgroup_size(u32(log2(8.0))) fn main() {}", 1, 26],
])("says where it is that a workgroup has no size: %j", async (wgsl, line, column) => {
  await expect(loadEntryPoints({ wgsl }, "The shader")).rejects.toMatchObject({ diagnostics: [{ line, column }] });
});
