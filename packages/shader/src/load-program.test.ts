import { type ComputeErrorCode, isComputeError, type Program } from "@kiln-gpu/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadProgram, splitVariant } from "./index.js";

const load = (wgsl: string, rest: Pick<Program, "entryPoint" | "constants"> = {}) =>
  loadProgram({ wgsl, ...rest }, 'Kernel "k"');

const buffers = `
@group(0) @binding(0) var<storage, read_write> a: array<u32>;
@group(0) @binding(1) var<storage> b: array<u32>;
`;

const kernel = (body: string, before = "") =>
  `${before}${buffers}@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {\n${body}\n}`;

async function bindingNames(wgsl: string): Promise<string[]> {
  return (await load(wgsl)).interface.bindings.map(({ name }) => name);
}

async function expectError(loading: Promise<unknown>, code: ComputeErrorCode, message: string): Promise<void> {
  const error = await loading.catch((reason: unknown) => reason);
  expect(isComputeError(error, code), String(error)).toBe(true);
  expect((error as Error).message).toContain(message);
}

describe("bindings", () => {
  it("are those that the entry point uses, in order of group and binding", async () => {
    const { interface: shader, wgsl } = await load(kernel("a[id.x] = b[id.x];"));
    expect(wgsl).toBe(kernel("a[id.x] = b[id.x];"));
    expect(shader.bindings).toMatchObject([
      { name: "a", group: 0, binding: 0, kind: "storage", access: "read-write" },
      { name: "b", group: 0, binding: 1, kind: "storage", access: "read" },
    ]);
    expect(await bindingNames(kernel("a[0] = 1;"))).toEqual(["a"]);
  });

  it.each([
    [
      "through helpers that are declared later",
      `${kernel("a[0] = f();")}fn f() -> u32 { return g(); } fn g() -> u32 { return b[0]; }`,
      ["a", "b"],
    ],
    ["in phony assignments", kernel("_ = &b;"), ["b"]],
    ["before a local of the same name", kernel("let b = b[0]; a[0] = b;"), ["a", "b"]],
    ["after the scope of such a local", kernel("{ let b = 1u; a[0] = b; } a[1] = b[0];"), ["a", "b"]],
    [
      "after a loop's variable of the same name",
      kernel("for (var b = 0u; b < 2u; b++) { a[b] = 1; }\n a[1] = b[0];"),
      ["a", "b"],
    ],
  ])("are found %s", async (_, wgsl, names) => {
    expect(await bindingNames(wgsl)).toEqual(names);
  });

  it.each([
    ["a local", kernel("let b = 1u; a[0] = b;")],
    ["a parameter", `fn f(b: u32) -> u32 { return b; }${kernel("a[0] = f(1);")}`],
    ["a loop's variable", kernel("for (var b = 0u; b < 2u; b++) { a[b] = b; }")],
    ["a member", `struct S { b: u32 }${kernel("var s: S; a[0] = s.b;")}`],
    ["a comment", kernel("a[0] = 1; // b[0]\n /* b /* b */ b */")],
    ["a word of the language", `${kernel("@diagnostic(off, b.b) if a[0] == 1 { a[0] = 2; }")}`],
  ])("are not found in %s of the same name", async (_, wgsl) => {
    expect(await bindingNames(wgsl)).toEqual(["a"]);
  });

  it("are found where wgsl_reflect alone would throw or miss them", async () => {
    const wgsl = kernel(
      "let x = 0x1.8p3f; a[0] = bitcast<u32>(x); t[0] = b[0];",
      "enable f16, subgroups;\nvar<workgroup> t: array<u32, 4>;\n",
    );
    expect(await bindingNames(wgsl)).toEqual(["a", "b"]);
  });

  it("evaluate @group and @binding", async () => {
    const wgsl =
      "const n = 3; @group(n - 2) @binding(n * 2) var<storage> q: array<u32>; @compute @workgroup_size(1) fn main() { _ = q[0]; }";
    expect((await load(wgsl)).interface.bindings).toMatchObject([{ group: 1, binding: 6 }]);
    expect((await load(wgsl)).interface.splittable).toEqual({ group: 1, binding: 7 });
  });

  it.each([
    ["texture_2d", "var q: texture_2d<f32>"],
    ["sampler", "var q: sampler"],
    ["texture_external", "var q: texture_external"],
    ["immediate", "var<immediate> q: u32"],
  ])("that are no buffers are refused when used: %s", async (word, declaration) => {
    const wgsl = `@group(0) @binding(5) ${declaration}; ${kernel("_ = q; a[0] = 1;")}`;
    await expectError(load(wgsl), "unsupported-shader", word);
    expect(await bindingNames(wgsl.replace("_ = q;", ""))).toEqual(["a"]);
  });

  it("of one place are refused", async () => {
    const wgsl = `@group(0) @binding(1) var<storage> c: array<u32>;${kernel("a[0] = b[0] + c[0];")}`;
    await expectError(load(wgsl), "unsupported-shader", "group 0 binding 1");
  });
});

describe("workgroup sizes", () => {
  const sized = (size: string, before = "") => `${before}@compute @workgroup_size(${size}) fn main() {}`;

  it.each([
    ["64u", "", [64, 1, 1]],
    ["8, 0x10, /* z */ 2,", "", [8, 16, 2]],
    ["w / 2, h * 2", "const w = 65u; override h = 4;", [32, 8, 1]],
    ["min(w, 128) << 1u, max(1, 2) + 3 % 2, (1 | 4) & ~0", "const w = 64;", undefined],
    ["min(w, 128) << 1u, max(1, 2) + 3 % 2, (1 | 4) ^ 1", "const w = 64;", [128, 3, 4]],
    ["u32(size.x)", "const size = vec2u(1);", undefined],
    ["w", "const w = w;", undefined],
    ["0x1p3f", "", undefined],
  ])("%s evaluates or is refused", async (size, before, expected) => {
    if (expected) expect((await load(sized(size, before))).interface.workgroupSize).toEqual(expected);
    else await expectError(load(sized(size, before)), "unsupported-shader", "is not evaluated here");
  });

  it("follow the program's constants, also through other constants", async () => {
    const wgsl = sized("w, 2 * h", "@id(7) override w: u32 = 64; override h = w / 16;");
    expect((await load(wgsl)).interface.workgroupSize).toEqual([64, 8, 1]);
    expect((await load(wgsl, { constants: { w: 32 } })).interface.workgroupSize).toEqual([32, 4, 1]);
    expect((await load(wgsl, { constants: { 7: 32, h: 1 } })).interface.workgroupSize).toEqual([32, 2, 1]);
  });

  it("that are no size are refused", async () => {
    await expectError(load(sized("1 - 1")), "unsupported-shader", "workgroup size 0");
    await expectError(load("@compute fn main() {}"), "shader-compilation", "@workgroup_size of 0 dimensions");
  });
});

describe("constants", () => {
  const wgsl = `@id(7) override count: u32 = 4; override scale = 2.0; override flag: bool; override unused: i32;
    ${kernel("if (flag) { a[0] = count + u32(scale); }")}`;

  it("are keyed by id, else by name", async () => {
    expect((await load(wgsl, { constants: { count: 3, flag: true, scale: 0.5 } })).constants).toEqual({
      7: 3,
      flag: 1,
      scale: 0.5,
    });
    expect((await load(wgsl, { constants: { 7: 3, flag: false } })).constants).toEqual({ 7: 3, flag: 0 });
  });

  it.each([
    [{ flag: true, constructor: 1 }, 'no constant "constructor"; it has "count" (7), "scale", "flag", "unused"'],
    [{ flag: 1 }, "as bool; 1 is given"],
    [{ flag: true, count: true }, "as u32; true is given"],
    [{ flag: true, count: 1.5 }, "as u32; 1.5 is given"],
    [{ flag: true, count: -1 }, "as u32; -1 is given"],
    [{ flag: true, scale: Number.NaN }, "as f32; NaN is given"],
    [{ flag: true, count: 1, 7: 1 }, "twice, by name and as 7"],
    [{}, 'no value to its constant "flag"'],
  ])("%j are refused", async (constants, message) => {
    await expectError(load(wgsl, { constants: constants as Record<string, number> }), "invalid-kernel", message);
  });
});

describe("entry points", () => {
  const two = "@compute @workgroup_size(1) fn x() {} @compute @workgroup_size(2) fn y() {} @fragment fn z() {}";

  it("are chosen by name among several", async () => {
    expect((await load(two, { entryPoint: "y" })).interface).toMatchObject({
      entryPoint: "y",
      workgroupSize: [2, 1, 1],
    });
    await expectError(load(two), "invalid-kernel", 'which of "x", "y" to run');
    await expectError(load(two, { entryPoint: "z" }), "invalid-kernel", 'it has "x", "y"');
  });

  it("must be there", async () => {
    await expectError(load("fn x() {}"), "unsupported-shader", "no compute entry point");
  });
});

describe("hostile text", () => {
  const pieces = kernel(
    "for (var i = 0u; i < n; i++) { a[i] = b[i] + t[0]; }",
    "struct S { @size(16) x: f32, @align(16) y: vec3f } alias T = array<S, n * 2>; const n = 4u; @id(1) override m = n / 2;" +
      "var<workgroup> t: array<u32, m>; @group(1) @binding(0) var<uniform> u: T;",
  ).split(/\b/u);

  it("gives a result or a ComputeError", async () => {
    const damage = fc.record({
      at: fc.nat(),
      count: fc.nat(3),
      text: fc.constantFrom("", "", ...new Set(pieces), "/*", "\u0000"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (all) => {
        const text = [...pieces];
        for (const { at, count, text: piece } of all) text.splice(at % text.length, count, piece);
        try {
          const loaded = await load(text.join(""));
          if (typeof loaded.interface.splittable !== "string") splitVariant(loaded);
        } catch (error) {
          expect(isComputeError(error), String((error as Error).stack)).toBe(true);
        }
      }),
      { numRuns: 3000, interruptAfterTimeLimit: 20_000 },
    );
  });

  it("does not follow constants without end", async () => {
    const chain = Array.from({ length: 5000 }, (_, i) => `const c${i} = c${i + 1};`).join("\n");
    const wgsl = `${chain} const c5000 = 1; @compute @workgroup_size(c0) fn main() {}`;
    await expectError(load(wgsl), "unsupported-shader", "is not evaluated here");
  });
});

describe("text that does not parse", () => {
  it.each([
    ["hello world", 'line 1 has "hello" where a declaration is expected'],
    ["\n\n@compute @workgroup_size(1) fn x() { /* ", "line 3 begins a comment that does not end"],
    ["\nfn main( {", 'line 2 has "{" where a name is expected'],
    ["fn main() {", 'has its end where the "}" of line 1 is expected'],
    ["const a = 1;\nconst a = 2;", 'line 2 declares "a" a second time'],
    [
      "struct S { a: array<f32>\n b: u32 }\n@group(0) @binding(1) var<storage> q: S; @compute @workgroup_size(1) fn x() { _ = q.b; }",
      "line",
    ],
    [
      "struct S { a: S }\n@group(0) @binding(1) var<storage> q: S; @compute @workgroup_size(1) fn x() { _ = q.a; }",
      "a declaration that does not parse",
    ],
  ])("%j names its line", async (wgsl, message) => {
    await expectError(load(wgsl), "shader-compilation", message);
  });
});
