import { describe, expect, it } from "vitest";
import { loadProgram } from "../index.js";
import { textOf } from "./variants.test-support.js";

const load = (wgsl: string) => loadProgram({ wgsl }, 'Kernel "k"');

const struct =
  "struct In { @builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) i: u32 }\n";

const splitVariant = (loaded: Awaited<ReturnType<typeof load>>) => textOf(loaded, { split: true });

describe("splitVariant", () => {
  it("gives the old names to what the builtins are in the whole, and keeps lines where they were", async () => {
    const wgsl = `@compute @workgroup_size(8, 4) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  _ = id;
}`;
    const loaded = await load(wgsl);
    expect(loaded.interface.splittable).toEqual({ group: 0, binding: 0 });
    expect(splitVariant(loaded).split("\n")).toEqual([
      "@compute @workgroup_size(8, 4) fn main(@builtin(global_invocation_id) kiln_part_id: vec3u, @builtin(workgroup_id) kiln_part_group: vec3<u32>,",
      "  @builtin(num_workgroups) kiln_part_groups: vec3u, @builtin(local_invocation_index) local: u32) { _ = kiln_grid.base; " +
        "let id = kiln_part_id + kiln_grid.base.xyz * vec3<u32>(8u, 4u, 1u); let group = kiln_part_group + kiln_grid.base.xyz; " +
        "let groups = kiln_grid.total.xyz;",
      "  _ = id;",
      "}",
      "struct KilnGrid { base: vec4<u32>, total: vec4<u32> }",
      "@group(0) @binding(0) var<uniform> kiln_grid: KilnGrid;",
      "",
    ]);
  });

  it("replaces the members of a struct of builtins, not those of a local of its name", async () => {
    const variant = splitVariant(
      await load(
        `${struct}@compute @workgroup_size(2) fn main(in: In) { _ = in.id.x + in.i; { let in = vec2u(); _ = in.x; } }`,
      ),
    );
    expect(variant).toContain("let kiln_in_id = in.id + kiln_grid.base.xyz * vec3<u32>(2u, 1u, 1u);");
    expect(variant).toContain("_ = kiln_in_id.x + in.i; { let in = vec2u(); _ = in.x; }");
    expect(variant).not.toContain("kiln_in_n");
  });

  it("changes a copy of a struct that is passed on whole, also through an alias", async () => {
    const variant = splitVariant(
      await load(`${struct}alias I = In; fn f(in: In) {} @compute @workgroup_size(2) fn main(in: I) { f(in); }`),
    );
    expect(variant).toContain(
      "fn main(kiln_part_in: I) { _ = kiln_grid.base; var in = kiln_part_in; in.id = kiln_part_in.id +",
    );
    expect(variant).toContain("in.n = kiln_grid.total.xyz;");
  });

  it("takes names that the module does not have", async () => {
    const variant = splitVariant(
      await load("var<private> kiln_grid: u32; @compute @workgroup_size(1) fn main() { kiln_grid = 1; }"),
    );
    expect(variant).toContain("_ = kiln_grid_1.base; kiln_grid = 1;");
    expect(variant).toContain("var<uniform> kiln_grid_1: KilnGrid;");
  });

  it("finds the first hole where the group's last binding is taken", async () => {
    const { interface: shader } =
      await load(`@group(2) @binding(999) var<storage> a: array<u32>; @group(2) @binding(0) var<storage> b: array<u32>;
      @compute @workgroup_size(1) fn main() { _ = a[0] + b[0]; }`);
    expect(shader.splittable).toEqual({ group: 2, binding: 1 });
  });

  it.each([
    ["@builtin(workgroup_index) i: u32", 'it uses the builtin "workgroup_index"'],
    ["@builtin(global_invocation_index) i: u32", 'it uses the builtin "global_invocation_index"'],
    ["in: Missing", 'its parameter "in" cannot be taken apart'],
  ])("is refused with the reason for %s", async (parameter, reason) => {
    const loaded = await load(`@compute @workgroup_size(1) fn main(${parameter}) {}`);
    expect(loaded.interface.splittable).toBe(reason);
    expect(() => splitVariant(loaded)).toThrow(reason);
  });
});
