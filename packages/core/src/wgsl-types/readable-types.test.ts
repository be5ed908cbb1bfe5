/** What a user is shown: errors, and what hovers and declarations say; and how much text the types can bear. */
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, it } from "vitest";

const folder = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../../../../", import.meta.url));

interface CompiledSnippet {
  readonly errors: readonly string[];
  /** What a package with this code would publish. */
  readonly declarations: string;
}

/** Compiles pieces of code as strictly as this repository; each may use this package as `kiln`, and a `backend`. */
function compileSnippets<Name extends string>(snippets: Readonly<Record<Name, string>>): Record<Name, CompiledSnippet> {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
  const changed = { ...options, noEmit: false, declaration: true, types: [], noUnusedLocals: false };
  const texts = new Map<string, string>();
  const pathOf = (name: string) => `${folder}snippet-${name}.ts`;
  for (const [name, code] of Object.entries<string>(snippets)) {
    texts.set(
      pathOf(name),
      `import * as kiln from "../index.js"; declare const backend: kiln.ComputeBackend;\n${code}`,
    );
  }
  const host = ts.createCompilerHost(changed);
  const { getSourceFile } = host;
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = texts.get(path);
    return text === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion);
  };
  const program = ts.createProgram([...texts.keys()], changed, host);
  const compiled = (name: string): CompiledSnippet => {
    const file = program.getSourceFile(pathOf(name));
    const diagnostics = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    let declarations = "";
    program.emit(
      file,
      (_, text) => {
        declarations = text;
      },
      undefined,
      true,
    );
    const errors = diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
    return { errors, declarations };
  };
  return Object.fromEntries(Object.keys(snippets).map((name) => [name, compiled(name)])) as Record<
    Name,
    CompiledSnippet
  >;
}

const scale = `
  struct Params { factor: f32, count: u32 }
  @group(0) @binding(0) var<uniform> params: Params;
  @group(0) @binding(1) var<storage, read> values: array<f32>;
  @group(0) @binding(2) var<storage, read_write> scaled: array<f32>;
  @group(0) @binding(3) var<uniform> limit: u32;`;

const definition = `export const scale = kiln.defineKernel({ label: "scale", wgsl: \`${scale}\` });`;
const given = `const params = { factor: 2, count: 3 }; const values = new Float32Array(3); const limit = 1;
  const scaled = kiln.output(Float32Array, 3);`;
const running = (bindings: string) => `${definition} ${given} backend.run(scale, ${bindings});`;

const kernel = (wgsl: string) =>
  `export const many = kiln.defineKernel({ label: "many", wgsl: ${JSON.stringify(wgsl)} });`;
const last = "@group(0) @binding(0) var<storage> last: array<f32>;";
const lines = (count: number, line: (i: number) => string) => Array.from({ length: count }, (_, i) => line(i)).join("");

const fillOrCopy = `
  @group(0) @binding(0) var<storage, read> source: array<f32>;
  @group(0) @binding(1) var<storage, read_write> copy: array<f32>;
  @compute @workgroup_size(1) fn fill_all() { copy[0] = 1; }
  @compute @workgroup_size(1) fn copy_all() { copy[0] = source[0]; }`;
const fillOrCopying = (bindings: string) =>
  `const kernel = kiln.defineKernel({ label: "fill", wgsl: \`${fillOrCopy}\`, entryPoint: "copy_all" });
  ${given} backend.run(kernel, ${bindings});`;

const compiled = compileSnippets({
  right: running("{ params, values, scaled, limit }"),
  misspelt: running("{ params, valeus: values, scaled, limit }"),
  missing: running("{ params, scaled, limit }"),
  another: running("{ params, values, scaled, limit, offset: 1 }"),
  mistyped: running("{ params, values: new Int32Array(3), scaled, limit }"),
  bareBytes: running("{ params, values: new Uint8Array(3), scaled, limit }"),
  mistypedValue: running("{ params, values, scaled, limit: new Float64Array(1) }"),
  mistypedOutput: running("{ params, values, scaled: kiln.output(Uint32Array, 3), limit }"),
  mistypedInout: running("{ params, values, scaled: kiln.inout(new Uint32Array(3)), limit }"),
  mistypedLease: running("{ params, values, scaled: kiln.lease(Uint32Array, 3), limit }"),
  member: running("{ params: { factor: 2 }, values, scaled, limit }"),
  some: fillOrCopying("{ copy: scaled }"),
  misspeltOfSome: fillOrCopying("{ sorce: values, copy: scaled }"),
  bindings: kernel(lines(900, (i) => `@group(0) @binding(${i}) var<storage> b${i}: array<f32>;\n`) + last),
  structs: kernel(`${lines(400, (i) => `struct S${i} { a: f32, b: vec3f }\nalias A${i} = S${i};\n`)}${last}`),
  comments: kernel(`${lines(800, (i) => `let a${i} = 1; // a comment about ${i}\n`)}${last}`),
  tooMany: kernel(`${lines(2000, (i) => `let a${i} = 1; // a comment about ${i}\n`)}${last}`),
  long: kernel(`${lines(20_000, (i) => `let a${i} = b${i} * c${i} + 0.5;\n`)}${last}`),
});

it("accepts what is right", () => {
  expect(compiled.right.errors).toEqual([]);
  expect(compiled.some.errors).toEqual([]);
});

it("names the binding that is misspelt, missing, too many or of another type, and what is expected", () => {
  const errorOf = ({ errors }: { readonly errors: readonly string[] }) => {
    expect(errors).toHaveLength(1);
    return errors[0];
  };
  expect(errorOf(compiled.misspelt)).toMatch(/'valeus' does not exist .*Did you mean to write 'values'\?$/);
  expect(errorOf(compiled.missing)).toMatch(/Property 'values' is missing in type/);
  expect(errorOf(compiled.another)).toMatch(
    /'number' is not assignable to type 'UnknownBinding<"offset", "params" | "values" | "scaled" | "limit">'/,
  );
  expect(errorOf(compiled.misspeltOfSome)).toMatch(/'UnknownBinding<"sorce", "source" | "copy">'/);
  const takes = (name: string, ...arrays: string[]) =>
    [...arrays, "bytes(data)"].map((array) => `"${name} takes ${array}"`).join(" | ");
  expect(errorOf(compiled.mistyped)).toBe(
    `Type 'Int32Array<ArrayBuffer>' is not assignable to type '${takes("values", "Float32Array")}'.`,
  );
  expect(errorOf(compiled.bareBytes)).toBe(
    `Type 'Uint8Array<ArrayBuffer>' is not assignable to type '${takes("values", "Float32Array")}'.`,
  );
  expect(errorOf(compiled.mistypedValue)).toBe(
    `Type 'Float64Array<ArrayBuffer>' is not assignable to type '${takes("limit", "Uint32Array")}'.`,
  );
  for (const [name, type] of [
    ["mistypedOutput", "Output"],
    ["mistypedInout", "Inout"],
    ["mistypedLease", "LeasedOutput"],
  ] as const) {
    expect(errorOf(compiled[name])).toBe(
      `Type '${type}<Uint32Array<ArrayBuffer>>' is not assignable to type '${takes("scaled", "Float32Array")}'.`,
    );
  }
  expect(errorOf(compiled.member)).toMatch(/Property 'count' is missing .*\{ readonly factor: number; readonly count/);
});

it("declares a kernel with its bindings, not with its text", () => {
  const { declarations } = compiled.right;
  expect(declarations).toMatch(/readonly limit: [^;]*\bUint32Array\b/);
  expect(declarations).toContain("readonly count: number");
  expect(declarations).not.toContain("@group");
});

it.each(["bindings", "structs", "comments", "long"] as const)("bears a text with many or much: %s", (name) => {
  expect(compiled[name].errors).toEqual([]);
  expect(compiled[name].declarations).toMatch(/readonly last: [^;]*\bFloat32Array\b/);
});

it("types a text with more comments than it can follow loosely, without an error", () => {
  expect(compiled.tooMany.errors).toEqual([]);
  expect(compiled.tooMany.declarations).toContain("Kernel<kiln.Bindings>");
});
