/** What the contract promises to the type checker; `tsc` checks this file, and running it checks that it means something. */
import { expect, expectTypeOf, test } from "vitest";
import type { ComputeBackend } from "./backend.js";
import { type Inout, inout, type Output, output, type Results, temporary } from "./bindings.js";
import { defineKernel, type Kernel } from "./kernel.js";
import type { RunProfile } from "./run-options.js";

const wgsl = "@compute @workgroup_size(64) fn main() {}";

type SaxpyBindings = { readonly alpha: number; readonly x: Float32Array; readonly y: Inout<Float32Array> };
const saxpy = defineKernel<SaxpyBindings>({ label: "saxpy", wgsl });
const untyped = defineKernel({ label: "any", wgsl });

// Only called in a position that is checked and never run.
declare const backend: ComputeBackend;
const x = new Float32Array(1);
const never = (_: () => unknown) => {};

test("results are typed from the arguments", () => {
  expectTypeOf(output(Float32Array, 1)).toEqualTypeOf<Output<Float32Array<ArrayBuffer>>>();
  expectTypeOf(inout(new Int32Array(1))).toEqualTypeOf<Inout<Int32Array<ArrayBuffer>>>();
  type Given = { a: Float32Array; n: number; c: Output<Uint32Array>; y: Inout<Int32Array> };
  expectTypeOf<Results<Given>>().toEqualTypeOf<{ c: Uint32Array; y: Int32Array }>();
  never(async () => {
    const results = await backend.run(untyped, { a: x, c: output(Uint32Array, 4), y: inout(x), n: 1 });
    expectTypeOf(results.c).toEqualTypeOf<Uint32Array<ArrayBuffer>>();
    expectTypeOf(results.y).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    // @ts-expect-error An input is no result.
    results.a;
    // @ts-expect-error A number is no result.
    results.n;
    // @ts-expect-error What is not bound is no result.
    results.d;
  });
});

test("a kernel's own bindings are checked", () => {
  expectTypeOf(saxpy).toEqualTypeOf<Kernel<SaxpyBindings>>();
  never(async () => {
    const { y } = await backend.run(saxpy, { alpha: 2, x, y: inout(x) });
    expectTypeOf(y).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    // @ts-expect-error "x" is missing.
    backend.run(saxpy, { alpha: 2, y: inout(x) });
    // @ts-expect-error "alpha" is a number.
    backend.run(saxpy, { alpha: "2", x, y: inout(x) });
    // @ts-expect-error "x" is a Float32Array.
    backend.run(saxpy, { alpha: 2, x: new Int32Array(1), y: inout(x) });
    // @ts-expect-error "y" is returned.
    backend.run(saxpy, { alpha: 2, x, y: x });
    // @ts-expect-error "y" is an inout.
    backend.run(saxpy, { alpha: 2, x, y: output(Float32Array, 1) });
    // @ts-expect-error "y" is an inout of f32.
    backend.run(saxpy, { alpha: 2, x, y: inout(new Uint32Array(1)) });
  });
});

test("what cannot be bound is no binding", () => {
  never(() => {
    // @ts-expect-error A string is no binding.
    backend.run(untyped, { a: "text", c: output(Float32Array, 1) });
    // @ts-expect-error Only a pass's kernel has temporaries.
    backend.run(untyped, { a: temporary(Float32Array, 1), c: output(Float32Array, 1) });
    // @ts-expect-error An array of numbers has no type to return.
    inout([1, 2, 3]);
    // @ts-expect-error A length is a number.
    output(Float32Array, "8");
    // @ts-expect-error `Array` makes no typed array.
    output(Array, 8);
  });
});

test("`profile: true` adds the profile, and nothing else does", () => {
  const bindings = { alpha: 2, x, y: inout(x) };
  never(async () => {
    const { profile, y } = await backend.run(saxpy, bindings, { profile: true });
    expectTypeOf(profile).toEqualTypeOf<RunProfile>();
    expectTypeOf(y).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    expectTypeOf(profile.gpuTimeNs).toEqualTypeOf<number | undefined>();
    // @ts-expect-error No options ask for no profile.
    (await backend.run(saxpy, bindings)).profile;
    // @ts-expect-error
    (await backend.run(saxpy, bindings, { profile: false })).profile;
    // @ts-expect-error
    (await backend.run(saxpy, bindings, { timeoutMs: 5 })).profile;
    // @ts-expect-error Options that may or may not ask for it promise none.
    (await backend.run(saxpy, bindings, { profile: Math.random() > 0.5 })).profile;
    // @ts-expect-error There is no such option.
    await backend.run(saxpy, bindings, { profil: true });
  });
});

test("`threads`, `temporaries` and `passes` see the kernel's bindings", () => {
  const kernel = defineKernel<SaxpyBindings>({
    label: "k",
    wgsl,
    threads(bindings) {
      expectTypeOf(bindings).toEqualTypeOf<SaxpyBindings>();
      return bindings.x.length;
    },
  });
  expect(kernel.passes({ alpha: 1, x: new Float32Array(3), y: inout(x) })).toEqual([{ program: "main", threads: 3 }]);
  const passes = defineKernel<SaxpyBindings>({
    label: "k",
    programs: { main: { wgsl } },
    temporaries: ({ y }) => ({ t: temporary(Uint16Array, y.data.length) }),
    passes: ({ alpha }) => [{ program: "main", bindings: { alpha, t: "t" } }],
  });
  expect(passes.temporaries({ alpha: 1, x, y: inout(x) })).toEqual({
    t: { role: "temporary", type: Uint16Array, length: 1 },
  });
});

test("a kernel has one source", () => {
  const spirv = new Uint32Array(5);
  // @ts-expect-error No source is given.
  expect(() => defineKernel({ label: "k" })).toThrow("neither is given");
  // @ts-expect-error Two sources are given.
  expect(() => defineKernel({ label: "k", wgsl, spirv })).toThrow("both are given");
});

test("a kernel cannot be changed", () => {
  expect(() => {
    // @ts-expect-error
    saxpy.label = "other";
  }).toThrow(TypeError);
});
