import { expect, test } from "vitest";
import { type Bindings, type Inout, inout, type Output, output, temporary } from "../bindings/bindings.js";
import { defineKernel, type KernelDefinition, type PassesDefinition } from "./kernel.js";

const wgsl = "@compute @workgroup_size(64) fn main() {}";

type Definition = KernelDefinition<Record<string, never>> | PassesDefinition<Record<string, never>>;

test.each<[string, unknown, string]>([
  ["no label", { wgsl }, 'defineKernel: "label" must be a non-empty string; got undefined.'],
  ["an empty label", { label: "", wgsl }, 'defineKernel: "label" must be a non-empty string; got "".'],
  ["a label that is no string", { label: 7, wgsl }, 'defineKernel: "label" must be a non-empty string; got 7.'],
  ["no source", { label: "k" }, 'Kernel "k" needs one source, `wgsl` or `spirv`; neither is given.'],
  [
    "two sources",
    { label: "k", wgsl, spirv: new Uint32Array(5) },
    'Kernel "k" needs one source, `wgsl` or `spirv`; both are given.',
  ],
  ["WGSL as bytes", { label: "k", wgsl: new Uint8Array(4) }, 'Kernel "k": "wgsl" must be a string; got a Uint8Array.'],
  ["null for WGSL", { label: "k", wgsl: null }, 'Kernel "k": "wgsl" must be a string; got null.'],
  [
    "SPIR-V as text",
    { label: "k", spirv: "OpCapability" },
    'Kernel "k": "spirv" must be a Uint8Array or a Uint32Array; got "OpCapability".',
  ],
  [
    "SPIR-V as another array",
    { label: "k", spirv: new Uint16Array(2) },
    'Kernel "k": "spirv" must be a Uint8Array or a Uint32Array; got a Uint16Array.',
  ],
  ["nothing", undefined, 'defineKernel: "label" must be a non-empty string; got undefined.'],
  [
    "threads that are no whole numbers",
    { label: "k", wgsl, threads: [32, 0.5] },
    'Kernel "k": "threads" must be one to three whole numbers, each 0 or more; got [32, 0.5].',
  ],
  [
    "null for threads",
    { label: "k", wgsl, threads: null },
    'Kernel "k": "threads" must be one to three whole numbers, each 0 or more; got [null].',
  ],
  [
    "programs without passes",
    { label: "k", programs: { a: { wgsl } } },
    'Kernel "k": "passes" must be a function of the bindings; got undefined.',
  ],
  [
    "temporaries that are no function",
    { label: "k", programs: { a: { wgsl } }, passes: () => [], temporaries: {} },
    'Kernel "k": "temporaries" must be a function of the bindings; got an object.',
  ],
  [
    "programs that are no object",
    { label: "k", programs: "main", passes: () => [] },
    'Kernel "k": "programs" must be an object; got "main".',
  ],
  [
    "one to choose for a tunable",
    { label: "k", wgsl, tunable: { size: 64n } },
    'Kernel "k": "tunable.size" must be a non-empty array of numbers; got 64n.',
  ],
  ["no program", { label: "k", programs: {}, passes: () => [] }, 'Kernel "k" has no programs; give at least one.'],
  [
    "a program with no source",
    { label: "k", programs: { a: { wgsl }, b: {} }, passes: () => [] },
    'Kernel "k" needs one source, `wgsl` or `spirv`; neither is given.',
  ],
])("refuses %s", (_, definition, message) => {
  expect(() => defineKernel(definition as Definition)).toThrow(
    expect.objectContaining({ name: "ComputeError", code: "invalid-kernel", message }),
  );
});

test("one source is a kernel of one program and one pass, with no temporaries", () => {
  const kernel = defineKernel({ label: "k", wgsl });
  expect(kernel.programs).toEqual({ main: { wgsl } });
  expect(kernel.passes({})).toEqual([{ program: "main" }]);
  expect(kernel.temporaries({})).toEqual({});
});

test("threads are computed from the bindings of the run", () => {
  const kernel = defineKernel<{ c: Output<Float32Array> }>({ label: "k", wgsl, threads: ({ c }) => [c.length, 2] });
  expect(kernel.passes({ c: output(Float32Array, 10) })).toEqual([{ program: "main", threads: [10, 2] }]);
  expect(kernel.passes({ c: output(Float32Array, 3) })).toEqual([{ program: "main", threads: [3, 2] }]);
});

test("passes and temporaries are computed from the bindings of the run", () => {
  const kernel = defineKernel<{ y: Inout<Float32Array> }>({
    label: "k",
    programs: { a: { wgsl }, b: { wgsl, entryPoint: "other" } },
    temporaries: ({ y }) => ({ t: temporary(Uint8Array, y.data.byteLength) }),
    passes: ({ y }) => [{ program: "a" }, { program: "b", workgroups: y.data.length }],
  });
  const bindings = { y: inout(new Float32Array(3)) };
  expect(Object.keys(kernel.programs)).toEqual(["a", "b"]);
  expect(kernel.programs.b).toEqual({ wgsl, entryPoint: "other" });
  expect(kernel.temporaries(bindings)).toEqual({ t: temporary(Uint8Array, 12) });
  expect(kernel.passes(bindings)).toEqual([{ program: "a" }, { program: "b", workgroups: 3 }]);
  expect(defineKernel({ label: "k", programs: { a: { wgsl } }, passes: () => [] }).temporaries({})).toEqual({});
});

test("a kernel cannot be changed, nor can what it was made from change it", () => {
  const constants = { size: 64 };
  const definition = { label: "k", wgsl, constants };
  const kernel = defineKernel(definition);
  constants.size = 128;
  definition.wgsl = "other";
  definition.label = "other";
  expect(kernel.label).toBe("k");
  expect(kernel.programs.main).toEqual({ wgsl, constants: { size: 64 } });
  for (const frozen of [kernel, kernel.programs, kernel.programs.main, kernel.programs.main!.constants]) {
    expect(Object.isFrozen(frozen)).toBe(true);
  }
});

test("the passes of a kernel cannot be exchanged after it is defined", () => {
  const definition: PassesDefinition<Record<string, never>> = {
    label: "k",
    programs: { a: { wgsl } },
    temporaries: () => ({ t: temporary(Uint32Array, 1) }),
    passes: () => [{ program: "a", workgroups: 1 }],
  };
  const kernel = defineKernel(definition);
  definition.passes = () => [];
  definition.temporaries = () => ({});
  expect(kernel.passes({})).toEqual([{ program: "a", workgroups: 1 }]);
  expect(Object.keys(kernel.temporaries({}))).toEqual(["t"]);
});

test.each([
  ["a Uint8Array", () => new Uint8Array([3, 2, 0x23, 7])],
  ["a Uint32Array", () => new Uint32Array([0x07230203, 0x00010500])],
  // Its `slice` shares memory where that of any other Uint8Array copies.
  ["a Buffer, as a file is read into", () => Buffer.from([3, 2, 0x23, 7])],
])("SPIR-V in %s is copied", (_, make) => {
  const spirv = make();
  const kernel = defineKernel({ label: "k", spirv });
  spirv.fill(0);
  expect([...kernel.programs.main!.spirv!]).toEqual([...make()]);
});

test("a kernel remembers its latest specialized ones, and not all that there ever were", () => {
  const kernel = defineKernel<Bindings>({ label: "many", wgsl: "override n: u32;" as string });
  const specialized = Array.from({ length: 300 }, (_, n) => kernel.specialize({ n }));
  expect(kernel.specialize({ n: 299 })).toBe(specialized[299]);
  const again = kernel.specialize({ n: 0 });
  expect(again).not.toBe(specialized[0]);
  expect(again.programs).toEqual(specialized[0]!.programs);
  expect(again.specialize({ n: 299 })).toBe(specialized[299]);
});

test("a specialized kernel is the same whatever order its constants are named in", () => {
  const kernel = defineKernel<Bindings>({ label: "k", wgsl: "override a: u32; override b: u32;" as string });
  const specialized = kernel.specialize({ a: 1, b: 2 });
  expect(kernel.specialize({ b: 2, a: 1 })).toBe(specialized);
  expect(kernel.specialize({ b: 2 }).specialize({ a: 1 })).toBe(specialized);
  expect(kernel.specialize({ a: 2, b: 1 })).not.toBe(specialized);
});
