/**
 * What the contract promises to the type checker: `tsc` checks this file, and running it checks that it has meaning.
 */
import { expect, expectTypeOf, test } from "vitest";
import {
  type Accepted,
  type Bindings,
  type Bytes,
  bytes,
  type Inout,
  inout,
  lease,
  type NoOthers,
  type Output,
  output,
  type Results,
  temporary,
} from "../bindings/bindings.js";
import { type BoundBy, defineKernel, type Kernel } from "../kernel/kernel.js";
import type { Float16Elements, ReadWrite } from "../wgsl-types/host-type.js";
import type { ComputeBackend, KeepsArrays, RecordsSequences, StagesMemory } from "./compute-backend.js";
import type { RunProfile } from "./run-options.js";

const wgsl = "@compute @workgroup_size(64) fn main() {}";

const text = "@group(0) @binding(0) var<storage> x: array<f32>;";
type AnyElements = Float32Array | Int32Array | Uint32Array | Float16Elements | Uint16Array | Bytes;

type SaxpyBindings = { readonly alpha: number; readonly x: Float32Array; readonly y: Inout<Float32Array> };
const saxpy = defineKernel<SaxpyBindings>({ label: "saxpy", wgsl });
const untyped = defineKernel({ label: "any", wgsl });

// Only called in a position that is checked and never run.
declare const backend: ComputeBackend & StagesMemory & KeepsArrays & RecordsSequences;
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

const scale = defineKernel({
  label: "scale",
  wgsl: `struct Params { factor: f32, count: u32 }
    @group(0) @binding(0) var<uniform> params: Params;
    @group(0) @binding(1) var<storage, read> x: array<f32>;
    @group(0) @binding(2) var<storage, read_write> y: array<f32>;
    @group(0) @binding(3) var<uniform> offset: vec3f;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < params.count) { y[id.x] = params.factor * x[id.x] + offset.x; }
    }`,
  threads: ({ x, y }) => Math.max(x.length, y.length),
});
const params = { factor: 2, count: 3 };
const offset = [1, 2, 3];

test("a kernel whose text is a literal has the bindings of its text", () => {
  expectTypeOf(scale).toEqualTypeOf<
    Kernel<{
      readonly params: { readonly factor: number; readonly count: number } | AnyElements;
      readonly x: Float32Array | Bytes;
      readonly y: ReadWrite<Float32Array | Bytes>;
      readonly offset: readonly number[] | Float32Array | Bytes;
    }>
  >();
  expectTypeOf(scale.specialize({ workgroup_size: 64 })).toEqualTypeOf(scale);
  never(async () => {
    const { y } = await backend.run(scale, { params, x, y: output(Float32Array, 3), offset });
    expectTypeOf(y).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    expectTypeOf((await backend.run(scale, { params, x, y: inout(x), offset })).y).toEqualTypeOf(y);
    expectTypeOf((await backend.run(scale, { params, x, y: lease(Float32Array, 3), offset })).y.data).toEqualTypeOf(y);
    const resident = await backend.array(x);
    const nothing = await backend.run(scale, { params, x, y: resident, offset });
    expectTypeOf<keyof typeof nothing>().toBeNever();
    const staged = await backend.stage(Float32Array, 3);
    await backend.run(scale, { params: bytes(new Uint8Array(8)), x: staged, y: resident, offset: new Float32Array(3) });
    const shared = new Float32Array(new SharedArrayBuffer(12));
    await backend.run(scale, { params: resident, x: shared, y: inout(shared), offset: [1, 2, 3] as const });
    await backend.run(scale, { params, x: bytes(x), y: output(Uint8ClampedArray, 12), offset: staged });
    await backend.run(scale, { params, x: await backend.array(new Uint8Array(12)), y: inout(bytes(x)), offset });
    // What the shader may write may be given without asking for it back.
    await backend.run(scale, { params, x, y: x, offset });
  });
});

test("a binding that is missing, misspelt, too many or of another type is an error", () => {
  const y = output(Float32Array, 3);
  never(() => {
    // @ts-expect-error "x" is missing.
    backend.run(scale, { params, y, offset });
    // @ts-expect-error Bytes that stand for f32 are said to be bytes.
    backend.run(scale, { params, x: new Uint8Array(12), y, offset });
    // @ts-expect-error Likewise where they come back.
    backend.run(scale, { params, x, y: inout(new Uint8Array(12)), offset });
    // @ts-expect-error "x" is misspelt.
    backend.run(scale, { params, X: x, y, offset });
    // @ts-expect-error There is no "z".
    backend.run(scale, { params, x, y, offset, z: x });
    // @ts-expect-error "x" is of f32.
    backend.run(scale, { params, x: new Int32Array(3), y, offset });
    // @ts-expect-error No type takes doubles.
    backend.run(scale, { params, x: new Float64Array(3), y, offset });
    // @ts-expect-error "x" has no size, and is no value.
    backend.run(scale, { params, x: [1, 2, 3], y, offset });
    // @ts-expect-error "x" is only read.
    backend.run(scale, { params, x: y, y, offset });
    // @ts-expect-error "y" is of f32.
    backend.run(scale, { params, x, y: output(Uint32Array, 3), offset });
    // @ts-expect-error "y" is of f32.
    backend.run(scale, { params, x, y: inout(new Uint32Array(3)), offset });
    // @ts-expect-error "params" lacks "count".
    backend.run(scale, { params: { factor: 2 }, x, y, offset });
    // @ts-expect-error "factor" is a number.
    backend.run(scale, { params: { factor: "2", count: 3 }, x, y, offset });
    // @ts-expect-error "params" has two members.
    backend.run(scale, { params: 2, x, y, offset });
    // @ts-expect-error "offset" is a vector.
    backend.run(scale, { params, x, y, offset: 1 });
    // @ts-expect-error A uniform does not come back.
    backend.run(scale, { params, x, y, offset: output(Float32Array, 3) });
    // @ts-expect-error There is no "z".
    defineKernel({ label: "k", wgsl: text, threads: ({ z }) => z });
  });
});

test("one of several kernels runs with what suits each", () => {
  const bindings =
    "@group(0) @binding(0) var<storage> x: array<f32>; @group(0) @binding(1) var<storage, read_write> y: array<f32>;";
  const alike = defineKernel({ label: "alike", wgsl: `${bindings}` as const });
  const first = defineKernel({ label: "first", wgsl: `${bindings} @compute fn first() {}` });
  const other = defineKernel({
    label: "other",
    wgsl: "@group(0) @binding(0) var<storage> x: array<u32>; @group(0) @binding(1) var<storage, read_write> y: array<f32>;",
  });
  const more = defineKernel({ label: "more", wgsl: `${bindings} @group(0) @binding(2) var<uniform> factor: f32;` });
  const either = <A, B>(a: A, b: B): A | B => (Math.random() < 0.5 ? a : b);
  const y = output(Float32Array, 3);
  never(async () => {
    await backend.prepare(either(alike, other));
    await backend.prepare(either(scale, either(more, untyped)));
    const results = await backend.run(either(alike, first), { x, y });
    expectTypeOf(results.y).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    await backend.run(either(alike, other), { x: bytes(x), y });
    // @ts-expect-error "x" of the other is of u32.
    await backend.run(either(alike, other), { x, y });
    // @ts-expect-error One of them binds "factor".
    await backend.run(either(alike, more), { x, y });
    // @ts-expect-error One of them does not bind "factor".
    await backend.run(either(alike, more), { x, y, factor: 2 });
  });
});

test("a function that forwards to `run` is generic in its bindings", () => {
  const forward = <K extends Bindings, B extends Accepted<K, B> & NoOthers<K, B>>(kernel: Kernel<K>, bindings: B) =>
    backend.run(kernel, bindings);
  const whole = <K extends Kernel, B extends BoundBy<K, B>>(kernel: K, bindings: B) => backend.run(kernel, bindings);
  never(async () => {
    const y = output(Float32Array, 3);
    expectTypeOf((await forward(scale, { params, x, y, offset })).y).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    expectTypeOf((await whole(scale, { params, x, y, offset })).y).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    // @ts-expect-error "x" is missing.
    forward(scale, { params, y, offset });
    // @ts-expect-error "x" is missing.
    whole(scale, { params, y, offset });
  });
});

test("a recorded run binds parameters to the bindings of the text", () => {
  never(async () => {
    const resident = await backend.array(x);
    const parameters = {
      params,
      x,
      between: temporary(Float32Array, 3),
      y: output(Float32Array, 3),
      words: output(Uint32Array, 3),
    };
    await backend.record(parameters, (run, references) => {
      run(scale, { params: references.params, x: references.x, y: references.between, offset });
      run(scale, { params, x: references.between, y: references.y, offset });
      run(scale, { params, x: resident, y: resident, offset: references.x });
      // @ts-expect-error "params" is a struct.
      run(scale, { params: 2, x, y: references.y, offset });
      // @ts-expect-error "y" is of f32.
      run(scale, { params, x, y: references.words, offset });
      // @ts-expect-error A result of a recorded run is a parameter.
      run(scale, { params, x, y: output(Float32Array, 3), offset });
      // @ts-expect-error "x" is missing.
      run(scale, { params, y: references.y, offset });
    });
  });
});

test("a replay takes arrays of the recorded kind, and staged memory in place of inputs alone", () => {
  never(async () => {
    const shared = new Float32Array(new SharedArrayBuffer(12));
    const bytes = Buffer.from([1, 2, 3, 4]);
    const parameters = { shared, bytes, x, factor: 2, y: output(Float32Array, 3) };
    const sequence = await backend.record(parameters, () => {});
    const [floats, words] = [await backend.stage(Float32Array, 3), await backend.stage(Uint32Array, 3)];
    const results = await sequence.replay({ shared: x, x: floats, bytes: await backend.stage(Uint8Array, 4) });
    expectTypeOf(results).toEqualTypeOf<{ y: Float32Array<ArrayBuffer> }>();
    await sequence.replay({ shared: floats, bytes: new Uint8Array(4), x: shared, factor: 3 });
    // @ts-expect-error "x" is of f32.
    await sequence.replay({ x: words });
    // @ts-expect-error "x" is of f32.
    await sequence.replay({ x: new Uint32Array(3) });
    // @ts-expect-error An output is no input.
    await sequence.replay({ y: floats });
    // @ts-expect-error A value is no array.
    await sequence.replay({ factor: floats });
    // @ts-expect-error "z" is no parameter.
    await sequence.replay({ z: floats });
  });
});

test("a kernel that states its bindings, or is no literal, is typed as it says", () => {
  expectTypeOf(defineKernel<Bindings>({ label: "k", wgsl: text })).toEqualTypeOf<Kernel>();
  expectTypeOf(defineKernel<SaxpyBindings>({ label: "k", wgsl: text })).toEqualTypeOf<Kernel<SaxpyBindings>>();
  expectTypeOf(defineKernel({ label: "k", wgsl: text as string })).toEqualTypeOf<Kernel>();
  expectTypeOf(defineKernel({ label: "k", wgsl: `${text as string} // more` })).toEqualTypeOf<Kernel>();
  expectTypeOf(defineKernel({ label: "k", spirv: new Uint32Array(5) })).toEqualTypeOf<Kernel>();
  const programs = { main: { wgsl: text } };
  const passes = () => [{ program: "main" }];
  expectTypeOf(defineKernel({ label: "k", programs, passes })).toEqualTypeOf<Kernel>();
  expectTypeOf(defineKernel({ label: "k", wgsl: text })).toEqualTypeOf<Kernel<{ readonly x: Float32Array | Bytes }>>();
  never(() => {
    // Any kernel serves where none in particular is asked for.
    backend.prepare(scale satisfies Kernel);
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
    t: temporary(Uint16Array, 1),
  });
});

test("`threads`, `temporaries` and `passes` see an input that may be a value as that value", () => {
  const image = "struct Size { width: u32, height: u32 } @group(0) @binding(0) var<uniform> size: Size;";
  const sized = defineKernel({
    label: "sized",
    wgsl: `${image} @group(0) @binding(1) var<uniform> n: u32; @group(0) @binding(2) var<uniform> corner: vec2u;
      @group(0) @binding(3) var<storage> x: array<f32>; @group(0) @binding(4) var<storage, read_write> y: Size;`,
    threads({ size, n, corner, x, y }) {
      expectTypeOf(size).toEqualTypeOf<{ readonly width: number; readonly height: number }>();
      expectTypeOf(n).toEqualTypeOf<number>();
      expectTypeOf(corner).toEqualTypeOf<readonly number[]>();
      expectTypeOf(x).toEqualTypeOf<Float32Array | Bytes>();
      // @ts-expect-error What may come back may be no value.
      y.width;
      return [size.width, size.height];
    },
  });
  expectTypeOf(sized).toExtend<Kernel<{ readonly n: number | Uint32Array | Bytes }>>();
  // Stated bindings are seen alike.
  type SizeBindings = { readonly size: { readonly width: number; readonly height: number } | Uint32Array | Bytes };
  const stated = defineKernel<SizeBindings>({
    label: "stated",
    wgsl: image,
    threads: ({ size }) => [size.width, size.height],
  });
  expect(stated.passes({ size: { width: 3, height: 4 } })).toEqual([{ program: "main", threads: [3, 4] }]);
});

test("`threads` of a run sees the bindings of that run", () => {
  never(async () => {
    const size = { width: 3, height: 4 };
    const array = await backend.array(x);
    const results = await backend.run(
      untyped,
      { size, y: output(Float32Array, 4) },
      {
        threads: (bindings) => {
          expectTypeOf(bindings.size).toEqualTypeOf<{ width: number; height: number }>();
          return [bindings.size.width, bindings.y.length];
        },
        profile: true,
      },
    );
    expectTypeOf(results.y).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    expectTypeOf(results.profile).toEqualTypeOf<RunProfile>();
    backend.run(saxpy, { alpha: 2, x, y: inout(x) }, { threads: ({ alpha, y }) => y.data.length * alpha });
    // @ts-expect-error It has no such binding.
    backend.run(saxpy, { alpha: 2, x, y: inout(x) }, { threads: ({ nothing }) => nothing });
    await backend.record({}, (run) => {
      // @ts-expect-error It has no such binding.
      run(saxpy, { alpha: 2, x, y: array }, { threads: ({ nothing }) => nothing });
      run(saxpy, { alpha: 2, x, y: array }, { threads: (bindings) => Number(bindings.alpha) });
    });
  });
});

test("bindings that were declared with their type have its results", () => {
  type ScaleBindings = {
    readonly x: Float32Array | Bytes;
    readonly y: ReadWrite<Float32Array | Bytes>;
    readonly z?: ReadWrite<Uint32Array>;
  };
  const stated = defineKernel<ScaleBindings>({ label: "stated", wgsl: text });
  never(async () => {
    const declared: ScaleBindings = { x, y: output(Float32Array, 1) };
    const results = await backend.run(stated, declared);
    expectTypeOf(results.y).toEqualTypeOf<Float32Array | Uint8Array | Uint8ClampedArray>();
    expectTypeOf(results.z).toEqualTypeOf<Uint32Array | undefined>();
    // @ts-expect-error An input is no result.
    results.x;
    const exact = { x, y: output(Float32Array, 1) } satisfies ScaleBindings;
    expectTypeOf((await backend.run(stated, exact)).y).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    const anything: Bindings = exact;
    // @ts-expect-error Nothing is known of these.
    (await backend.run(untyped, anything)).y;
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
