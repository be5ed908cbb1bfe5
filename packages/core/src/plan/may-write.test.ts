import { expect, test } from "vitest";
import { defineKernel } from "../kernel/kernel.js";
import { mayWrite } from "./may-write.js";
import { reads, shaderOf, writes } from "./shader-interface.test-support.js";

const declared = (space: string) =>
  defineKernel({ label: "k", wgsl: `@group(0) @binding(0) var<${space}> x: array<f32>;` });

test.each(["storage", "storage, read", "storage,read,", "uniform", " storage ,\n read "])(
  "a kernel whose text declares var<%s> does not write it",
  (space) => {
    expect(mayWrite(declared(space), undefined, "x")).toBe(false);
    expect(mayWrite(declared(space), undefined, "y")).toBe(true);
  },
);

test.each(["storage, read_write", "storage,read_write", "private", "storage, read_write,"])(
  "a kernel whose text declares var<%s> may write it",
  (space) => expect(mayWrite(declared(space), undefined, "x")).toBe(true),
);

test("a comment decides nothing", () => {
  const line = "// var<storage, read> x: f32;\n@group(0) @binding(0) var<storage, read_write> x: array<f32>;";
  const block = "/* var<storage, read> x */ @group(0) @binding(0) var<storage, /* */ read_write> x: array<f32>;";
  expect(mayWrite(defineKernel({ label: "k", wgsl: line }), undefined, "x")).toBe(true);
  expect(mayWrite(defineKernel({ label: "k", wgsl: block }), undefined, "x")).toBe(true);
});

test("what is reflected decides over the text", () => {
  const interfaces = { main: shaderOf([reads("a"), writes("x")]) };
  expect(mayWrite(declared("storage, read"), interfaces, "x")).toBe(true);
  expect(mayWrite(declared("storage, read_write"), interfaces, "a")).toBe(false);
});

test("SPIR-V that is not reflected yet, and kernels of several passes, may write anything", () => {
  expect(mayWrite(defineKernel({ label: "k", spirv: new Uint8Array(4) }), undefined, "x")).toBe(true);
  const programs = { main: { wgsl: "@group(0) @binding(0) var<storage, read> x: array<f32>;" } };
  const passes = defineKernel({ label: "k", programs, passes: () => [{ program: "main" }] });
  expect(mayWrite(passes, { main: shaderOf([reads("x")]) }, "x")).toBe(true);
});
