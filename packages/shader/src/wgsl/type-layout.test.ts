import type { TypeLayout } from "@kiln-gpu/core/backend";
import { describe, expect, it } from "vitest";
import { loadProgram } from "../index.js";

async function layoutOf(type: string, declarations = ""): Promise<TypeLayout> {
  const wgsl = `enable f16;\n${declarations}
    @group(0) @binding(0) var<storage> q: ${type};
    @compute @workgroup_size(1) fn main() { _ = &q; }`;
  return (await loadProgram({ wgsl }, 'Kernel "k"')).interface.bindings[0]!.layout;
}

async function offsetsOf(members: string, declarations = ""): Promise<number[]> {
  const layout = await layoutOf("S", `${declarations}\nstruct S { ${members} }`);
  if (layout.kind !== "struct") throw new Error("Unreachable: S is a struct.");
  return [...layout.members.map(({ offset }) => offset), layout.byteLength];
}

describe("layouts by the rules of WGSL", () => {
  it.each([
    ["f32", 4],
    ["atomic<u32>", 4],
    ["vec2h", 4],
    ["vec3<f16>", 6],
    ["vec3f", 12],
    ["vec4<i32>", 16],
    ["mat2x2f", 16],
    ["mat3x3<f32>", 48],
    ["mat4x3f", 64],
    ["mat3x2h", 12],
    ["mat2x3<f16>", 16],
    ["array<vec3f, 3>", 48],
    ["array<vec3h, 3>", 24],
    ["array<array<vec2f, 2>, 3>", 48],
    ["array<f32, 0x10u>", 64],
    ["array<f32, n * 2>", 24],
    ["array<array<f32, n>, (n + 1)>", 48],
    ["array<F, n>", 12],
    ["array<vec3<F>, n,>", 48],
    ["mat2x4<F>", 32],
  ])("%s takes %i bytes", async (type, byteLength) => {
    expect((await layoutOf(type, "const n = 3; alias F = f32;")).byteLength).toBe(byteLength);
  });

  it.each([
    ["a: f32, b: vec3f, c: f32", [0, 16, 28, 32]],
    ["a: f16, b: vec3h, c: f16", [0, 8, 14, 16]],
    ["a: vec2f, b: mat3x3f, c: f32", [0, 16, 64, 80]],
    ["a: f32, @align(16) b: f32, @size(24) c: f32, d: f32", [0, 16, 20, 44, 48]],
    ["a: f32, @align(16) b: Alias, @size(n * 8) c: Alias, d: f32", [0, 16, 20, 44, 48]],
    ["a: f32, b: Inner, c: f32", [0, 16, 64, 80]],
    ["a: u32, b: array<Inner, 2>, c: f32", [0, 16, 112, 128]],
    ["a: u32, b: array<vec3f>", [0, 16, 16]],
  ])("{ %s } has members at %j", async (members, offsets) => {
    const declarations = "const n = 3; alias Alias = f32; struct Inner { @size(20) x: f32, @align(16) y: f32 }";
    expect(await offsetsOf(members, declarations)).toEqual(offsets);
  });

  it("says how much a binding of one element takes, where padding follows it", async () => {
    const least = async (members: string) =>
      ((await layoutOf("S", `struct S { ${members} }`)) as { leastByteLength?: number }).leastByteLength;
    expect(await least("a: vec3f, n: u32, b: array<u32>")).toBe(32);
    expect(await least("a: u32, b: array<vec2f>")).toBeUndefined();
    expect(await least("a: vec2f, b: u32, c: array<u32>")).toBeUndefined();
    expect(await least("a: vec2f, b: array<u32>")).toBe(16);
    expect(await least("a: vec2f, b: u32")).toBeUndefined();
  });

  it("describes strides, columns and counts", async () => {
    expect(await layoutOf("array<mat3x3f, 2>")).toEqual({
      kind: "array",
      stride: 48,
      count: 2,
      byteLength: 96,
      element: { kind: "matrix", scalar: "f32", columns: 3, rows: 3, columnStride: 16, byteLength: 48 },
    });
    expect(await layoutOf("array<vec3<u32>>")).toEqual({
      kind: "array",
      stride: 16,
      count: 0,
      byteLength: 0,
      element: { kind: "vector", scalar: "u32", components: 3, byteLength: 12 },
    });
  });

  it("reads a block around one runtime array as the array, and no other struct so", async () => {
    expect(await layoutOf("S", "struct S { a: array<f32> }")).toMatchObject({ kind: "array", stride: 4 });
    expect(await layoutOf("S", "struct S { a: f32 }")).toMatchObject({ kind: "struct", name: "S" });
  });

  it.each([
    ["array<bool>", "a part of type bool"],
    ["array<Missing>", "a part of type Missing"],
    ["vec3<vec3f>", "a part of type vec3"],
    ["vec3f<f32>", "a part of type vec3f"],
    ["vec3", "a part of type vec3"],
    ["f32<f32>", "a part of type f32"],
    ["array<f32, firstLeadingBit(3)>", "`firstLeadingBit(3)` where a count is needed"],
  ])("refuses %s", async (type, message) => {
    await expect(layoutOf(type)).rejects.toMatchObject({ code: "unsupported-shader" });
    await expect(layoutOf(type)).rejects.toThrow(message);
  });
});
