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

describe("a struct that is aligned by its members", () => {
  const kernel = (declarations: string) => `${declarations}
@group(0) @binding(0) var<storage, read_write> t: T;
@compute @workgroup_size(1) fn main() { t.f = 1; }`;

  it.each([
    ["a member", "f: f32, s: S", "f: f32, @align(16) s: S"],
    ["an array", "f: f32, s: array<S, 2>", "f: f32, @align(16) s: array<S, 2>"],
    ["a member with a size", "f: f32, @size(32) s: S", "f: f32, @align(16) @size(32) s: S"],
    ["a member that is aligned already", "f: f32, @align(32) s: S", "f: f32, @align(32) s: S"],
    ["an alias", "f: f32, s: A", "f: f32, @align(16) s: A"],
  ])("keeps its alignment as %s, also for a compiler that forgets it", async (_, given, expected) => {
    const inner = "const n = 8;\nstruct S { @align(2 * n) a: f32 }\nalias A = S;\n";
    const loaded = await load(kernel(`${inner}struct T { ${given} }`));
    expect(textOf(loaded)).toBe(kernel(`${inner}struct T { ${expected} }`));
    expect((await load(textOf(loaded))).interface.bindings).toEqual(loaded.interface.bindings);
  });

  it("keeps its alignment in a member of a member", async () => {
    const inner = "struct S { @align(16) a: f32 }\nstruct M { s: S }\n";
    const loaded = await load(kernel(`${inner}struct T { f: f32, m: M }`));
    expect(textOf(loaded)).toBe(
      kernel(`${inner.replace("{ s: S", "{ @align(16) s: S")}struct T { f: f32, @align(16) m: M }`),
    );
  });
});
