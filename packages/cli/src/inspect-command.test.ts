import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { bytes, type ComputeBackend, inout, output } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createProject, readModule, scale } from "./project.test-support.js";

let gpu: ComputeBackend;
beforeAll(async () => {
  gpu = await openPersistentBackend({ fallback: softwareGpu, software: true });
});
afterAll(() => gpu.dispose());

const shaders = async () => ({
  "scale.wgsl": `override first: u32 = 1 + 1;\n@id(7) override deep: bool;\n${scale}`,
  "grid.wgsl": `@group(0) @binding(0) var<storage, read_write> out: array<vec3f>;
    @group(0) @binding(1) var<uniform> size: vec2u;
    @compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (all(id.xy < size) && id.y * size.x + id.x < arrayLength(&out)) { out[id.y * size.x + id.x] = vec3f(1); }
    }`,
  "vectors.spv": await readModule("uniform-vectors.glslang.spv"),
  "two.spv": await readModule("entry-points.naga.spv"),
});

it("shows constants, workgroups, bindings and the layout of structs", async () => {
  const project = await createProject(await shaders());
  const { code, output: text } = await project.run("inspect", "scale.wgsl");
  expect(code).toBe(0);
  expect(text).toBe(`scale.wgsl  WGSL

Constants
  first     u32   = 1 + 1
  deep (7)  bool  no default: every kernel must set it

Entry point main  workgroups of 64 x 1 x 1 threads
  params    @group(0) @binding(0)  uniform              Params      8 bytes
    factor  offset 0                                    f32         4 bytes
    count   offset 4                                    u32         4 bytes
  x         @group(0) @binding(1)  storage, read        array<f32>  stride 4
  y         @group(0) @binding(2)  storage, read_write  array<f32>  stride 4

  const { y } = await gpu.run(scale, {
    params: { factor: 1, count: 1 },
    x: new Float32Array(64),
    y: output(Float32Array, 64),
  });

  npx kiln run scale.wgsl --params '{"factor":1,"count":1}' --x ramp:64 --y f32:64
`);
});

/** The command in the text, as a shell would split it. */
function commandsIn(text: string): string[][] {
  return [...text.matchAll(/^ {2}npx kiln (.*)$/gm)].map(([, line]) => {
    return [...line!.matchAll(/(?:'([^']*)'|[^\s']+)+/g)].map(([word]) => word.replaceAll("'", ""));
  });
}

it.each([
  ["grid.wgsl", "main"],
  ["vectors.spv", "main"],
  ["two.spv", "second"],
  ["scale.wgsl", "main"],
])("writes runs of %s that work", async (file, entryPoint) => {
  const files = await shaders();
  const project = await createProject({ ...files, "scale.wgsl": scale });
  const { output: text } = await project.run("inspect", file);
  const commands = commandsIn(text);
  expect(commands.length).toBeGreaterThan(0);
  for (const command of commands) {
    expect(await project.run(...command, "--software")).toMatchObject({ code: 0, errors: "" });
  }
  await project.run("codegen", file);
  const kernels = await import(/* @vite-ignore */ `${project.folder}/${file}.ts`);
  const call = /^ {2}const (?:.|\n)*?(await gpu\.run\((\w+), (?:.|\n)*?)^ {2}\}.*\);$/gm;
  const calls = [...text.matchAll(call)].map(([whole, , name]) => ({ whole, name: name! }));
  const { whole, name } = calls.find(({ name: kernel }) => kernel === entryPoint) ?? calls[0]!;
  const run = new Function(
    ...["gpu", "output", "inout", "bytes", name],
    `return (async () => { ${whole.replace(/const \{.*?\} = /, "return ")} })();`,
  );
  expect(Object.keys(await run(gpu, output, inout, bytes, kernels[name]))).toHaveLength(1);
});

it("prints JSON with layouts", async () => {
  const project = await createProject(await shaders());
  const { output: text } = await project.run("inspect", "vectors.spv", "--json");
  const { language, constants, entryPoints } = JSON.parse(text);
  expect([language, constants, entryPoints.length]).toEqual(["spirv", [], 1]);
  expect(entryPoints[0].bindings[0]).toMatchObject({ name: "params", kind: "uniform", layout: { kind: "struct" } });
});

it.each([
  [[], "The command takes one FILE; got 0.", 2],
  [["a.wgsl", "b.wgsl"], "The command takes one FILE; got 2.", 2],
  [["broken.wgsl"], "broken.wgsl:1:3: the text ends where a name is expected", 1],
] as const)("refuses %j", async (args, problem, exitCode) => {
  const project = await createProject({ "broken.wgsl": "fn" });
  const { code, errors } = await project.run("inspect", ...args);
  expect(errors).toContain(problem);
  expect(code).toBe(exitCode);
});
