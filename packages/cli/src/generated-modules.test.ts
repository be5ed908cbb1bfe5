/** What is generated is compiled as strictly as this repository is, imported, and run on the software GPU. */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { type ComputeBackend, inout, type Kernel, output } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateModule } from "./index.js";
import { createProject, type Project, readModule, readSource, scale, typeErrors } from "./project.test-support.js";

let gpu: ComputeBackend;
beforeAll(async () => {
  gpu = await openPersistentBackend({ fallback: softwareGpu, software: true });
});
afterAll(() => gpu.dispose());

async function importFrom({ folder }: Project, path: string): Promise<{ readonly [name: string]: Kernel }> {
  return import(/* @vite-ignore */ join(folder, path));
}

/** For each way to call `run` the errors that the compiler finds in it, in a file that begins with `before`. */
async function errorsOf(project: Project, before: string, calls: readonly string[]): Promise<string[][]> {
  const head = `import * as kiln from "@kiln-gpu/core";\ndeclare const backend: kiln.ComputeBackend;\n${before}`;
  const files = calls.map((call, i) => [`use-${i}.ts`, `${head}\nvoid backend.run(${call}); export {};`] as const);
  await project.write(Object.fromEntries(files));
  return typeErrors(files.map(([path]) => join(project.folder, path)));
}

const floats = Float32Array.of(1, 2, 3);

describe("a module of WGSL", () => {
  it("runs, and checks its bindings", async () => {
    const project = await createProject({ "scale.wgsl": scale });
    await project.run("codegen");
    const kernels = await importFrom(project, "scale.wgsl.ts");
    expect(Object.keys(kernels)).toEqual(["scale"]);
    const params = { factor: 2, count: 3 };
    const { y } = await gpu.run(kernels.scale!, { params, x: floats, y: output(Float32Array, 3) });
    expect(y).toEqual(Float32Array.of(2, 4, 6));

    const before = `import { scale, type ScaleBindings } from "./scale.wgsl.js";
      const [params, x, y] = [{ factor: 2, count: 3 }, new Float32Array(3), kiln.output(Float32Array, 3)];
      const all: ScaleBindings = { params, x, y }; void all;`;
    const calls = ["{ params, x, y }", "{ params, x: new Int32Array(3), y }", "{ params, z: x, y }"];
    const others = ["{ params: { factor: 2 }, x, y }", "{ params, x, y, more: 1 }"];
    const given = [...calls, ...others].map((bindings) => `scale, ${bindings}`);
    expect(await errorsOf(project, before, given)).toEqual([
      [],
      [expect.stringMatching(/Int32Array.*Float32Array/)],
      [expect.stringMatching(/'z' does not exist|Property 'x' is missing/)],
      [expect.stringMatching(/Property 'count' is missing/)],
      [expect.stringMatching(/UnknownBinding<"more"/)],
    ]);
  });

  it("gives its types to imports of the shader itself, under a bundler's resolution", async () => {
    const project = await createProject({ "scale.wgsl": scale });
    await project.run("codegen");
    const before =
      'import { scale } from "./scale.wgsl"; const [x, y] = [new Float32Array(3), kiln.output(Float32Array, 3)];';
    const calls = ["scale, { params: { factor: 2, count: 3 }, x, y }", "scale, { x, y }"];
    expect(await errorsOf(project, before, calls)).toEqual([
      [],
      [expect.stringMatching(/Property 'params' is missing/)],
    ]);
  });

  it("has the text of the file", async () => {
    const odd =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: A template literal would substitute it.
      "/* `backticks`, ${holes}, $, \\u{41}, \\\\, a lone\rreturn and \u2028 \u200e \u0085, \u{1F600}\tand 漢 \\`${\n*/";
    const project = await createProject({ "odd.wgsl": odd + scale });
    expect(await project.run("codegen")).toMatchObject({ code: 0 });
    const text = await project.read("odd.wgsl.ts");
    expect(text).not.toMatch(/[\r\u0085\u200e\u2028]/u);
    const { odd: kernel } = await importFrom(project, "odd.wgsl.ts");
    expect(kernel!.programs.main).toEqual({ wgsl: odd + scale, file: "odd.wgsl" });
    expect(typeErrors([join(project.folder, "odd.wgsl.ts")])).toEqual([[]]);
    const bindings = { params: { factor: 3, count: 3 }, x: floats, y: output(Float32Array, 3) };
    expect(await gpu.run(kernel!, bindings)).toEqual({ y: Float32Array.of(3, 6, 9) });
  });

  it("exports a kernel for each compute entry point, with the bindings of that entry point alone", async () => {
    const wgsl = `
      override step: u32;
      @group(0) @binding(0) var<storage, read> source: array<u32>;
      @group(0) @binding(1) var<storage, read_write> copy: array<u32>;
      @compute @workgroup_size(1) fn fill(@builtin(global_invocation_id) id: vec3u) { copy[id.x] = step; }
      @compute @workgroup_size(1) fn add(@builtin(global_invocation_id) id: vec3u) { copy[id.x] = source[id.x] + step; }
      @fragment fn paint() {}`;
    const project = await createProject({ "fill-or-add.wgsl": wgsl });
    await project.run("codegen");
    const { fill, add } = await importFrom(project, "fill-or-add.wgsl.ts");
    expect([fill!.label, add!.label]).toEqual(["fill-or-add.fill", "fill-or-add.add"]);
    const copy = output(Uint32Array, 2);
    expect(await gpu.run(fill!.specialize({ step: 7 }), { copy })).toEqual({ copy: Uint32Array.of(7, 7) });
    const source = Uint32Array.of(1, 2);
    expect(await gpu.run(add!.specialize({ step: 5 }), { source, copy })).toEqual({ copy: Uint32Array.of(6, 7) });

    const before = `import { add, fill } from "./fill-or-add.wgsl.js";
      const copy = kiln.output(Uint32Array, 2); void [add, fill];`;
    expect(await errorsOf(project, before, ["fill, { copy }", "add, { copy }"])).toEqual([
      [],
      [expect.stringMatching(/Property 'source' is missing/)],
    ]);
  });

  it("has names that are identifiers, for any name of the file", async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: It is part of the name of a file.
    const stems = ["my-kernel", "2d", "delete", "wgsl", "kiln", 'quote"`${a}', "line\nbreak\u2028"];
    const project = await createProject(Object.fromEntries(stems.map((stem) => [`${stem}.wgsl`, scale])));
    expect(await project.run("codegen")).toMatchObject({ code: 0 });
    // Copies with names that every module loader accepts.
    const modules = stems.map((_, i) => join(project.folder, `module-${i}.ts`));
    await Promise.all(stems.map((stem, i) => rename(join(project.folder, `${stem}.wgsl.ts`), modules[i]!)));
    const exported = await Promise.all(stems.map((_, i) => importFrom(project, `module-${i}.ts`)));
    const names = ["myKernel", "_2d", "delete_", "wgsl_", "kiln_", "quoteA", "lineBreak"];
    expect(exported.map((kernels) => Object.keys(kernels))).toEqual(names.map((name) => [name]));
    for (const [i, stem] of stems.entries()) {
      expect(exported[i]![names[i]!]).toMatchObject({ label: stem, programs: { main: { file: `${stem}.wgsl` } } });
    }
    expect(typeErrors(modules)).toEqual(stems.map(() => []));
  });

  it("names its file in errors of the device", async () => {
    const project = await createProject({ "gpu/scale.wgsl": scale.replace("params.factor *", "params.missing *") });
    await project.run("codegen");
    const kernels = await importFrom(project, "gpu/scale.wgsl.ts");
    await expect(gpu.prepare(kernels.scale!)).rejects.toThrow(/gpu\/scale\.wgsl:6:40: /);
  });
});

describe("a module of SPIR-V", () => {
  it("runs, and checks its bindings", async () => {
    const project = await createProject({
      "push.spv": await readModule("push-constants.glslang.spv"),
      "vectors.spv": await readModule("uniform-vectors.glslang.spv"),
      "entry-points.spv": await readModule("entry-points.naga.spv"),
    });
    expect(await project.run("codegen")).toMatchObject({ code: 0 });
    const { push } = await importFrom(project, "push.spv.ts");
    const values = { direction: [0, 10, 0], scale: 2, n: 3, shift: [5, 1] };
    const pushed = { x: floats, y: inout(new Float32Array(3)), push: values };
    expect(await gpu.run(push!, pushed)).toEqual({ y: Float32Array.of(16, 18, 20) });
    const { second } = await importFrom(project, "entry-points.spv.ts");
    const doubled = await gpu.run(second!, { "0/0": output(Uint32Array, 8) });
    expect(doubled).toEqual({ "0/0": Uint32Array.of(0, 2, 4, 6, 8, 10, 12, 14) });

    const before = `import { push } from "./push.spv.js"; import { vectors } from "./vectors.spv.js";
      import { second } from "./entry-points.spv.js";
      const [x, y] = [new Float32Array(3), kiln.output(Float32Array, 3)];
      const values = { direction: [0, 1, 0], scale: 2, n: 3, shift: [5, 1] };
      const params = { alpha: 1, offset: [1, 2, 3], count: 1, basis: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        list: [[1, 2, 3, 4], [1, 2, 3, 4]], pair: { first: [1, 2, 3], second: 1 }, last: [1, 2] };
      void [push, vectors, second, x, y, values, params];`;
    const cases: [call: string, ...errors: RegExp[]][] = [
      ["push, { x, y, push: values }"],
      ["vectors, { params, o: y }"],
      ['second, { "0/0": kiln.output(Uint32Array, 4) }'],
      ["push, { x: new Uint32Array(3), y, push: values }", /Uint32Array.*Float32Array/],
      ["push, { x: y, y, push: values }", /Output<.*' is not assignable/],
      ["push, { x, y, push: { ...values, n: [3] } }", /'number\[\]' is not assignable to type 'number'/],
      ["vectors, { params: { ...params, pair: { first: [1] } }, o: y }", /Property 'second' is missing/],
      ["push, { x, y }", /Property 'push' is missing/],
    ];
    const errors = await errorsOf(
      project,
      before,
      cases.map(([call]) => call),
    );
    expect(errors).toEqual(cases.map(([, ...expected]) => expected.map((words) => expect.stringMatching(words))));
  });

  it("has the words of the file", async () => {
    const bytes = await readModule("subgroup-arithmetic.glslang.spv");
    const text = await generateModule({ name: "sums.spv", bytes }, { language: "javascript" });
    const words = /new Uint32Array\(\[([\d,\s]+)\]\)/u.exec(text)![1]!.split(",").slice(0, -1).map(Number);
    expect(Buffer.from(Uint32Array.from(words).buffer)).toEqual(Buffer.from(bytes));
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  });
});

it("has no types in JavaScript", async () => {
  const bytes = await readSource("add.wgsl");
  const text = await generateModule({ name: "add.wgsl", bytes }, { language: "javascript" });
  const project = await createProject({ "add.mjs": text });
  const { add } = await importFrom(project, "add.mjs");
  expect(add!.programs.main).toEqual({ wgsl: bytes.toString(), file: "add.wgsl" });
  expect(text).not.toMatch(/\btype\b|Bindings/u);
});
