import { type ComputeError, type ComputeErrorCode, isComputeError, type Program } from "@kiln-gpu/core";
import { describe, expect, it } from "vitest";
import { loadProgram } from "../index.js";

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

/** A kernel with a binding of `type`, on the line that it is put on. */
const bound = (type: string) =>
  `@group(0) @binding(0) var<storage> q: ${type}; @compute @workgroup_size(1) fn main() { _ = &q; }`;

async function expectError(loading: Promise<unknown>, code: ComputeErrorCode, message: string): Promise<ComputeError> {
  const error = await loading.catch((reason: unknown) => reason);
  if (!isComputeError(error, code)) throw error;
  expect(error.message).toContain(message);
  return error;
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

  it("are found beside statements and directives that are not read here", async () => {
    const wgsl = kernel(
      "let x = 0x1.8p3f; a[0] = bitcast<u32>(x); t[0] = b[0];",
      "enable f16, subgroups;\nvar<workgroup> t: array<u32, 4>;\n",
    );
    expect(await bindingNames(wgsl)).toEqual(["a", "b"]);
  });

  it("are counted beside the workgroup memory of the entry point", async () => {
    const bytes = async (declared: string, use: string) =>
      (await load(kernel(`${use}; a[0] = b[0];`, declared))).interface.workgroupByteLength;
    expect(await bytes("", "")).toBe(0);
    expect(await bytes("var<workgroup> t: u32; var<workgroup> other: array<u32, 9>;", "t = 1")).toBe(16);
    const struct = "struct S { flags: array<vec3<bool>, 2>, n: atomic<u32> } var<workgroup> s: S;";
    expect(await bytes(`${struct} var<workgroup> t: array<u32, 5>;`, "s.flags[0].x = true; t[0] = 1")).toBe(48 + 32);
    expect(await bytes("override n = 4; var<workgroup> t: array<f32, n * n>;", "t[0] = 1")).toBe(64);
    // The device says what is wrong with these.
    expect(await bytes("var<workgroup> t: array<f32, missing>;", "t[0] = 1")).toBe(0);
    expect(await bytes("var<workgroup> t: sampler;", "_ = t")).toBe(0);
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
    ["array", "var q: array<u32, 4>"],
  ])("that are no buffers are refused when used: %s", async (word, declaration) => {
    const wgsl = `@group(0) @binding(5) ${declaration}; ${kernel("_ = q; a[0] = 1;")}`;
    await expectError(load(wgsl), "unsupported-shader", word);
    expect(await bindingNames(wgsl.replace("_ = q;", ""))).toEqual(["a"]);
  });

  it.each(["-1", "1.5", "4294967296", "true", "vec2(1)", ""])("in group %j are refused", async (group) => {
    const wgsl = `@group(${group}) @binding(0) var<storage> q: u32; @compute @workgroup_size(1) fn main() { _ = q; }`;
    await expectError(load(wgsl), "shader-compilation", '"q" without a numeric @group');
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
    ["min(w, 128) << 1u, max(1, 2) + 3 % 2, (1 | 4) & ~0", "const w = 64;", [128, 3, 5]],
    ["tile.x, tile[1], (tile * 2).yx.x", "const tile = vec2u(8, 4);", [8, 4, 8]],
    ["tile.x, tile.y", "const tile: vec2<u32> = vec2(16, 2); const unused = array(1, 2);", [16, 2, 1]],
    ["select(8, 16, wide), clamp(w, 1, 4)", "override wide = true; override w = 64;", [16, 4, 1]],
    ["u32(ceil(f32(n) / 3.0))", "const n = 10;", [4, 1, 1]],
    ["u32(0x1p3f)", "", [8, 1, 1]],
    ["u32(0.1h * 10h)", "enable f16;", undefined],
    ["u32(log2(64.0))", "", undefined],
    ["sizes[0]", "const sizes = array(1, 2);", undefined],
    ["w", "const w = w;", undefined],
  ])("%s evaluates or is refused", async (size, before, expected) => {
    if (expected) expect((await load(sized(size, before))).interface.workgroupSize).toEqual(expected);
    else await expectError(load(sized(size, before)), "unsupported-shader", "Kiln does not evaluate");
  });

  it("follow the program's constants, also through other constants", async () => {
    const wgsl = sized("w, 2 * h", "@id(7) override w: u32 = 64; override h = w / 16;");
    expect((await load(wgsl)).interface.workgroupSize).toEqual([64, 8, 1]);
    expect((await load(wgsl, { constants: { w: 32 } })).interface.workgroupSize).toEqual([32, 4, 1]);
    expect((await load(wgsl, { constants: { 7: 32, h: 1 } })).interface.workgroupSize).toEqual([32, 2, 1]);
  });

  it("follow a constant that others are made of, in whatever order the constants are given", async () => {
    const wgsl = sized("b, c", "override a: u32 = 4; override b = a * 2; override c = b + 1;");
    expect((await load(wgsl, { constants: { c: 3, a: 10 } })).interface.workgroupSize).toEqual([20, 3, 1]);
    const divided = sized("d", "override d = 12 / n; override n: i32;");
    expect((await load(divided, { constants: { d: 5, n: 3 } })).interface.workgroupSize).toEqual([5, 1, 1]);
    expect((await load(divided, { constants: { n: 3 } })).interface.workgroupSize).toEqual([4, 1, 1]);
  });

  it("are not taken from a default where the type of the constant that replaces it is not known", async () => {
    const wgsl = sized("d", "override d = 12 / (n - n); override n: i32;");
    await expectError(load(wgsl, { constants: { d: 5, n: 3 } }), "unsupported-shader", "Kiln does not evaluate");
  });

  it("know that a module may redefine a type", async () => {
    const wgsl = sized("n", "alias i32 = u32; const n: i32 = 0xFFFFFFFF - 0xFFFFFFF0;");
    expect((await load(wgsl)).interface.workgroupSize).toEqual([15, 1, 1]);
  });

  it("that are no size are refused", async () => {
    await expectError(load(sized("1 - 1")), "unsupported-shader", "workgroup size 0");
    await expectError(load("@compute fn main() {}"), "shader-compilation", "@workgroup_size of 0 dimensions");
  });
});

describe("constants", () => {
  const wgsl = `@id(7) override count: u32 = 4; override scale = 2.0; override flag: bool; override unused: i32; override odd = countOneBits(unused);
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
    [{ flag: true, constructor: 1 }, 'no constant "constructor"; it has "count" (7), "scale", "flag", "unused", "odd"'],
    [{ flag: 1 }, "as bool; 1 is given"],
    [{ flag: true, count: true }, "as u32; true is given"],
    [{ flag: true, count: 1.5 }, "as u32; 1.5 is given"],
    [{ flag: true, count: -1 }, "as u32; -1 is given"],
    [{ flag: true, scale: Number.NaN }, "as f32; NaN is given"],
    [{ flag: true, odd: Number.NaN }, "a finite number"],
    [{ flag: true, count: 1, 7: 1 }, "twice, by name and as 7"],
    [{}, 'no value to its constant "flag"'],
  ])("%j are refused", async (constants, message) => {
    await expectError(load(wgsl, { constants: constants as Record<string, number> }), "invalid-kernel", message);
  });
});

describe("an override with a constant, within the right operand of another && or ||", () => {
  const declarations = "override s = true; override t = false; override n = 3u; const ON = true; const OFF = false;";
  const computed = (value: string) =>
    kernel(
      "a[id.x] = u32(flag);",
      `${declarations} override flag: bool = ${value}; override unused = ON && !(s && OFF);`,
    );

  it.each([
    "ON && !(s && OFF)",
    "s && (ON && (!(s && OFF)))",
    "OFF || !(t || ON)",
    "s && bool(select(1, 0, s && OFF))",
    "ON && ON & (s && OFF)",
    "ON && !(s && (s && OFF))",
    "s && !((n == 3u) && (s && OFF))",
    "ON && !(OFF || (s && OFF))",
    // Not evaluated here, and so it may be.
    "log2(8.0) > 2.0 && !(s && OFF)",
    "s && !(s && (log2(2.0) > 5.0))",
  ])("is refused: %s", async (value) => {
    await expectError(
      load(computed(value)),
      "unsupported-shader",
      `computes \`${value}\`, with one && or || inside an operand`,
    );
    const sized = `${declarations} @compute @workgroup_size(select(1, 2, ${value})) fn main() {}`;
    await expectError(load(sized), "unsupported-shader", value);
    const shared = `${declarations} alias Shared = array<u32, select(1, 2, ${value})>; var<workgroup> w: Shared;`;
    await expectError(load(kernel("w[0] = 1;", shared)), "unsupported-shader", value);
    const own = `${declarations} var<private> own: bool = ${value};`;
    await expectError(load(kernel("a[0] = u32(own);", own)), "unsupported-shader", value);
  });

  it.each([
    "s && (s && OFF)",
    "s && (ON && (s && OFF)) && s",
    "s && ((s && OFF) || t)",
    "n >= 64u || (n >= 2u && ON && OFF)",
    "ON && (s && OFF && t)",
    "s && !(s && ON)",
    "s && !(s && t)",
    "s && !(OFF && s)",
    "s && !(t && OFF)",
    "t && !(s && OFF)",
    "s && (OFF && !(s && OFF))",
    "!(s && OFF) && s",
    "!(log2(8.0) > 2.0 && s)",
    "ON && !(ON && OFF)",
  ])("is taken where the device has no trouble with it: %s", async (value) => {
    await load(computed(value));
  });

  it("is taken where its override is given another value", async () => {
    const { constants } = await load(computed("ON && !(s && OFF)"), { constants: { flag: true } });
    expect(constants).toEqual({ flag: 1 });
    await load(computed("ON && !(s && OFF)"), { constants: { s: false } });
  });
});

describe("entry points", () => {
  const two = "@compute @workgroup_size(1) fn x() {} @compute @workgroup_size(2) fn y() {} @fragment fn z() {}";

  it("are chosen by name among several", async () => {
    expect((await load(two, { entryPoint: "y" })).interface).toMatchObject({
      entryPoint: "y",
      workgroupSize: [2, 1, 1],
    });
    await expectError(load(two), "invalid-kernel", 'one of "x", "y"');
    await expectError(load(two, { entryPoint: "z" }), "invalid-kernel", 'it has "x", "y"');
  });

  it("must be there", async () => {
    await expectError(load("fn x() {}"), "unsupported-shader", "no compute entry point");
  });
});

describe("text that does not parse", () => {
  it.each([
    ["hello world", 1, 1, '"hello" stands where a declaration is expected'],
    ["\n\n@compute @workgroup_size(1) fn x() { /* ", 3, 38, "this comment does not end"],
    ["\nfn main( {", 2, 10, '"{" stands where a name is expected'],
    ["fn main() {", 1, 12, 'the text ends where the "}" of line 1 is expected'],
    ["const a = 1;\r\nconst a = 2;", 2, 7, '"a" is declared a second time'],
    [`struct S { a: array<f32>\n b: u32 }${bound("S")}`, 2, 2, '"b" stands where a type has ended'],
    [`struct S { a: array<f32,, 2> }${bound("S")}`, 1, 25, '"," stands where an expression is expected'],
    [`struct S { a: array<> }${bound("S")}`, 1, 15, "an array needs a type and at most a count"],
    [`struct S { a: }${bound("S")}`, 1, 12, '"a" has no type'],
    [`struct S { a: 3 }${bound("S")}`, 1, 15, '"3" stands where a type is expected'],
    [
      "var<private> y: array<f32, 4>\n@compute @workgroup_size(1) fn main() {}",
      2,
      1,
      '"@" stands where "=" or ";" is expected',
    ],
    ["const a = 1\nconst b = 2;", 2, 1, '"const" stands where ";" is expected'],
    ["alias A = u32\nfn main() {}", 2, 1, '"fn" stands where ";" is expected'],
    ["struct S { a: u32\n @size(16) b: u32 }", 2, 2, '"@" stands where "," or "}" is expected'],
    [`struct S { a: T }\nstruct T { b: array<S, 2> }${bound("S")}`, 2, 21, '"S" is declared as a part of itself'],
    [`alias T = T;${bound("T")}`, 1, 11, '"T" is declared as a part of itself'],
    [`struct S { a: array<f32, 0> }${bound("S")}`, 1, 26, "an array has at least one element; `0` is 0"],
    [`struct S { a: array<f32>, b: u32 }${bound("S")}`, 1, 12, "only the last member of a binding's struct"],
    [bound("array<array<f32>, 2>"), 1, 45, "the elements of an array have a size"],
    [bound("array<array<f32, 65536>, 65536>"), 1, 39, "a type has at most 4294967295 bytes; this one has 17179869184"],
  ])("%j says at which line and column", async (wgsl, line, column, message) => {
    const error = await expectError(load(wgsl), "shader-compilation", `Kernel "k":${line}:${column}: ${message}`);
    expect(error.diagnostics).toMatchObject([{ line, column, source: wgsl.split(/\r?\n/u)[line - 1] }]);
  });
});

describe("a workgroup size of 0", () => {
  const sized = (declarations: string, size: string) =>
    load(`${declarations} ${buffers}@compute @workgroup_size(${size}) fn main() { a[0] = b[0]; }`);

  it.each<[string, string, string]>([
    ["override n: u32 = 0;", "n", 'It comes from "n"; set that in `constants`.'],
    ["override n: u32 = 0; override m = n * 2u;", "8, m", 'It comes from "m" and "n"; set that in `constants`.'],
    ["const n = 0u;", "n", "it must be an integer, 1 or more."],
  ])("of %j names the overrides that it comes from", async (declarations, size, message) => {
    const error = await expectError(sized(declarations, size), "unsupported-shader", message);
    if (declarations.startsWith("const")) expect(error.message).not.toContain("It comes from");
  });
});
