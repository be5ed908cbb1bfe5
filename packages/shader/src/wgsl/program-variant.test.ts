import { describe, expect, it } from "vitest";
import { loadProgram, wholeVariants } from "../index.js";
import { textOf } from "./variants.test-support.js";

const load = (wgsl: string) => loadProgram({ wgsl }, 'Kernel "k"');

const text = (head: string, rest = "") => `${head}struct P { by: vec3f, n: u32 }
var<immediate> p: P;
@group(1) @binding(2) var<storage, read_write> y: array<f32>;
${rest}@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = p.by.x; }`;

describe("a program with immediates", () => {
  it("is as it was written where they are set", async () => {
    const loaded = await load(text(""));
    expect(loaded.interface.bindings).toMatchObject([
      { name: "y", group: 1, binding: 2, kind: "storage", access: "read-write" },
      {
        name: "p",
        group: 1,
        binding: 3,
        kind: "uniform",
        access: "read",
        isImmediate: true,
        layout: { byteLength: 16 },
      },
    ]);
    expect(loaded.interface.splittable).toEqual({ group: 1, binding: 4 });
    expect(textOf(loaded, { immediate: true })).toBe(loaded.wgsl);
    const limits = (maxImmediateSize: number) => ({ maxImmediateSize }) as Parameters<typeof wholeVariants>[1];
    expect(wholeVariants({ a: loaded }, limits(16))).toEqual([{ program: "a", split: false, immediate: true }]);
    expect(wholeVariants({ a: loaded }, limits(12))).toEqual([{ program: "a", split: false, immediate: false }]);
  });

  it.each([
    ["", ""],
    ["requires immediate_address_space;\n", "\n"],
    ["requires immediate_address_space, subgroup_id;\n", "requires  subgroup_id;\n"],
    ["requires subgroup_id, immediate_address_space;\n", "requires subgroup_id;\n"],
    ["requires subgroup_id, immediate_address_space,;\n", "requires subgroup_id, ;\n"],
  ])("binds a buffer in their place otherwise: %j", async (head, without) => {
    const expected = text(without).replace("var<immediate>", "@group(1) @binding(3) var<uniform>");
    expect(textOf(await load(text(head)))).toBe(expected);
  });

  it("binds them as a storage buffer where a uniform is not laid out so", async () => {
    const loaded =
      await load(`struct Q { a: f32 } struct P { a: f32, q: Q } var<immediate> p: P; var<immediate> other: Q;
      @group(0) @binding(0) var<storage, read_write> y: f32;
      @compute @workgroup_size(1) fn main() { y = p.q.a; }`);
    expect(loaded.interface.bindings[1]).toMatchObject({ name: "p", kind: "storage", access: "read" });
    expect(loaded.interface.unused).toMatchObject([{ name: "other" }]);
    const bound = "@group(0) @binding(1) var<storage, read>";
    expect(textOf(loaded)).toContain(`${bound} p: P; ${bound} other: Q;`);
    expect(textOf(loaded, { split: true })).toContain(`${bound} p: P;`);
    expect(textOf(loaded, { split: true, immediate: true })).toContain("var<immediate> p: P;");
  });

  it("has one variable of them for each entry point", async () => {
    const second = "var<immediate> q: u32; fn more() -> f32 { return f32(q); }\n";
    await expect(load(text("", second).replace("= p.by.x", "= p.by.x + more()"))).rejects.toThrow(
      'Kernel "k" uses "p" and "q" in the address space immediate; an entry point may use one variable there.',
    );
  });
});
