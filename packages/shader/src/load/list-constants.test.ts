import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { listConstants } from "../index.js";

it("lists the overrides of WGSL with what is known of them", () => {
  const wgsl = `
    override size: u32; @id(3) override deep: bool = true;
    override half = size / 2; override ratio = 0.5;
    const fixed = 1; @compute @workgroup_size(1) fn main() {}`;
  expect(listConstants({ wgsl })).toEqual([
    { name: "size", type: "u32" },
    { name: "deep", id: "3", type: "bool", default: "true" },
    { name: "half", default: "size / 2" },
    { name: "ratio", type: "f32", default: "0.5" },
  ]);
});

it("lists the specialization constants of SPIR-V with their defaults, as the module orders them", async () => {
  const module = new URL("../../../../tools/corpus/modules/specialization.glslang.spv", import.meta.url);
  expect(listConstants({ spirv: await readFile(module) })).toEqual([
    { name: "repeat", id: "3", type: "u32", default: "7" },
    { name: "scale", id: "5", type: "f32", default: "0.5" },
    { name: "negate", id: "4", type: "bool", default: "false" },
    { name: "shift", id: "6", type: "i32", default: "-2" },
  ]);
});
