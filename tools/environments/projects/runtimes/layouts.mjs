/** Layouts that naga, the shader compiler of Deno, reads wrongly; prints "right" if Kiln reads or refuses each. */
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { defineKernel, output } from "@kiln-gpu/core";
import { softwareGpu } from "@kiln-gpu/software-gpu";

const kernel = (space, declarations, paths) =>
  defineKernel({
    label: "read",
    wgsl: `${declarations}
      @group(0) @binding(0) var<${space}> v: T;
      @group(0) @binding(1) var<storage, read_write> words: array<f32>;
      @compute @workgroup_size(1) fn main() {
        ${paths.map((path, i) => `words[${i}] = ${path};`).join("\n")}
      }`,
    threads: () => 1,
  });

const aligned = "struct S { @align(16) a: f32 } struct T { f: f32, s: S, m: array<S, 2> }";
const alignedPaths = ["v.f", "v.s.a", "v.m[0].a", "v.m[1].a"];
const alignedValue = { f: 1, s: { a: 2 }, m: [{ a: 3 }, { a: 4 }] };
const matrix = "struct S { m: mat2x2f } struct T { s: S }";
const matrixPaths = ["v.s.m[0][0]", "v.s.m[0][1]", "v.s.m[1][0]", "v.s.m[1][1]"];

const gpu = await openPersistentBackend({ fallback: softwareGpu, store: false });
const run = async (space, declarations, paths, v) => {
  const { words } = await gpu.run(kernel(space, declarations, paths), { v, words: output(Float32Array, 4) });
  if (String(words) !== "1,2,3,4") throw new Error(`${declarations} in ${space} is read as ${words}.`);
};
for (const space of ["uniform", "storage, read"]) await run(space, aligned, alignedPaths, alignedValue);
await run("storage, read", matrix, matrixPaths, { s: { m: [1, 2, 3, 4] } });
const refusal = await run("uniform", matrix, matrixPaths, { s: { m: [1, 2, 3, 4] } }).catch(({ code }) => code);
await gpu.dispose();
console.log(refusal === "unsupported-shader" ? "right" : `the matrix is not refused: ${refusal}`);
