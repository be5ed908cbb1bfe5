/** What is read out of a shader's text; `tsc` checks this file. */
import { expectTypeOf, test } from "vitest";
import type { Bindings, BindingValue, Bytes } from "../bindings/bindings.js";
import type { Float16Elements, ReadWrite } from "./host-type.js";
import type { WgslBindings } from "./wgsl-bindings.js";

type Floats = Float32Array | Bytes;
type Integers = Int32Array | Bytes;
type Naturals = Uint32Array | Bytes;
type Halves = Float16Elements | Uint16Array | Bytes;
type Mixed = Float32Array | Int32Array | Uint32Array | Float16Elements | Uint16Array | Bytes;
type List = readonly number[];

const bindingsOf = <const S extends string>(_: S) => expectTypeOf<WgslBindings<S>>();

test("names, access and element types are read out of the text", () => {
  bindingsOf(`
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage> indices: array<i32>;
    @group(0) @binding(2) var<storage, read_write> y: array<u32>;
    @group(0) @binding(3) var<uniform> alpha: f32;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      var total: f32 = 0; let half = x[id.x] / 2;
      y[id.x] = u32(alpha * half) + u32(indices[id.x]);
    }`).toEqualTypeOf<{
    readonly x: Floats;
    readonly indices: Integers;
    readonly y: ReadWrite<Naturals>;
    readonly alpha: number | Floats;
  }>();
});

test("immediates are values like those of a uniform", () => {
  bindingsOf(`requires immediate_address_space;
    struct P { by: f32, count: u32 } // one of them: var<immediate> q: f32;
    var<immediate> p: P;
    @group(0) @binding(0) var<storage, read_write> y: array<f32>;`).toEqualTypeOf<{
    readonly p: { readonly by: number; readonly count: number } | Mixed;
    readonly y: ReadWrite<Floats>;
  }>();
});

test("an array of any elements of one scalar is an array of that scalar", () => {
  bindingsOf(`enable f16;
    @group(0) @binding(0) var<storage> a: array<vec3f>;
    @group(0) @binding(1) var<storage> b: array<vec4<u32>>;
    @group(0) @binding(2) var<storage> c: array<mat4x4f>;
    @group(0) @binding(3) var<storage> d: array< mat2x3 <f16> >;
    @group(0) @binding(4) var<storage> e: array<vec2h>;
    @group(0) @binding(5) var<storage> f: array<f16>;
    @group(0) @binding(6) var<storage, read_write> g: array<atomic<u32>>;
    @group(0) @binding(7) var<storage, read_write> h: array<atomic<i32>>;
    @group(0) @binding(8) var<storage> i: array<array<vec2i, 4>>;`).toEqualTypeOf<{
    readonly a: Floats;
    readonly b: Naturals;
    readonly c: Floats;
    readonly d: Halves;
    readonly e: Halves;
    readonly f: Halves;
    readonly g: ReadWrite<Naturals>;
    readonly h: ReadWrite<Integers>;
    readonly i: Integers;
  }>();
});

test("what has a fixed size may be a value, too", () => {
  bindingsOf(`
    @group(0) @binding(0) var<uniform> offset: vec3f;
    @group(0) @binding(1) var<uniform> basis: mat3x3f;
    @group(0) @binding(2) var<uniform> table: array<vec4<i32>, 4>;
    @group(0) @binding(3) var<storage, read> weights: array<f32, 3 * (2 + 1)>;
    @group(0) @binding(4) var<storage, read_write> counter: atomic<u32>;
    @group(0) @binding(5) var<storage, read> grid: array<array<f32, 2>, 3,>;`).toEqualTypeOf<{
    readonly offset: List | Floats;
    readonly basis: List | readonly List[] | Floats;
    readonly table: readonly List[] | Integers;
    readonly weights: List | Floats;
    readonly counter: number | ReadWrite<Naturals>;
    readonly grid: readonly List[] | Floats;
  }>();
});

test("structs are objects of their members, nested ones too", () => {
  bindingsOf(`
    struct Light { position: vec3f, kind: u32 }
    struct Params {
      count: i32,
      @align(16) @size(32) offset: vec3<f32>,
      @size(max(16, 32)) lights: array<Light, 2>, // the two lights
      first: Light,
    };
    struct Plain{a:f32,b:vec2f}
    @group(0) @binding(0) var<uniform> params: Params;
    @group(0) @binding(1) var<storage> plain: Plain;
    @group(0) @binding(2) var<storage> plains: array<Plain>;
    @group(0) @binding(3) var<storage, read_write> lights: array<Light>;`).toEqualTypeOf<{
    readonly params:
      | {
          readonly count: number;
          readonly offset: List;
          readonly lights: readonly { readonly position: List; readonly kind: number }[];
          readonly first: { readonly position: List; readonly kind: number };
        }
      | Mixed;
    readonly plain: { readonly a: number; readonly b: List } | Floats;
    readonly plains: Floats;
    readonly lights: ReadWrite<Mixed>;
  }>();
});

test("a struct of one member also takes that member's value", () => {
  bindingsOf(`
    struct Only { factor: f32 }
    struct Outer { inner: Only }
    struct Pair { a: u32, b: u32 }
    struct Around { pair: Pair }
    @group(0) @binding(0) var<uniform> only: Only;
    @group(0) @binding(1) var<uniform> outer: Outer;
    @group(0) @binding(2) var<uniform> around: Around;`).toEqualTypeOf<{
    readonly only: number | { readonly factor: number } | Floats;
    readonly outer:
      | number
      | { readonly factor: number }
      | { readonly inner: number | { readonly factor: number } }
      | Floats;
    readonly around:
      | { readonly a: number; readonly b: number }
      | { readonly pair: { readonly a: number; readonly b: number } }
      | Naturals;
  }>();
});

test("a struct that ends in an array of any length takes arrays only", () => {
  bindingsOf(`
    struct Items { count: u32, scale: f32, items: array<vec2f> }
    struct Rows { rows: array<u32> }
    @group(0) @binding(0) var<storage> items: Items;
    @group(0) @binding(1) var<storage, read_write> rows: Rows;`).toEqualTypeOf<{
    readonly items: Mixed;
    readonly rows: ReadWrite<Naturals>;
  }>();
});

test("aliases stand for their types", () => {
  bindingsOf(`
    alias real = f32;
    alias Point = vec3<real>;
    alias Points = array<Point>;
    alias Params=Settings;
    struct Settings { at: Point, n: u32 }
    @group(0) @binding(0) var<storage> points: Points;
    @group(0) @binding(1) var<uniform> params: Params;`).toEqualTypeOf<{
    readonly points: Floats;
    readonly params: { readonly at: List; readonly n: number } | Mixed;
  }>();
});

test("attributes stand in any order and spacing", () => {
  bindingsOf(`
    override tile: u32 = 16;
    const place = 3;
    @binding(0) @group(0) var<storage,read>a:array<f32>;
    @group( 0 )@binding(1)var<storage,read_write>b:array<u32>;
    @group(0)
    @binding(place)
    var < storage , read_write >
      c
      : array < vec2 < i32 > >
      ;
    var<workgroup> shared_rows: array<f32, tile>;
    var<private> at: u32;`).toEqualTypeOf<{
    readonly a: Floats;
    readonly b: ReadWrite<Naturals>;
    readonly c: ReadWrite<Integers>;
  }>();
});

test("comments are no code", () => {
  bindingsOf(`
    // @group(0) @binding(0) var<storage> old: array<f32>;
    /* @group(0) @binding(1) var<storage> older: array<f32>;
       /* nested */ // still one
       @group(0) @binding(2) var<storage> oldest: array<f32>; */
    //* no block */
    /**/ struct P { a: f32, /* b: f32, */ c: u32 // d: f32
    }
    @group(0) /* here */ @binding(0) var<storage> x: array</* the elements */f32>; // x; y: z
    @group(0) @binding(1) var<uniform> p: P; // not closed by /* this`).toEqualTypeOf<{
    readonly x: Floats;
    readonly p: { readonly a: number; readonly c: number } | Mixed;
  }>();
});

test("what is no declaration is not taken for one", () => {
  bindingsOf(`
    fn construct(a: f32) -> f32 { var structure = a; let aliased = 3 / a; return structure / aliased; }
    fn pointer(p: ptr<storage, array<f32>, read>) -> f32 { return (*p)[0]; }
    struct P { a: u32 }
    @group(0) @binding(0) var<uniform> p: P;
    @group(0) @binding(1) var image: texture_2d<f32>;
    @group(0) @binding(2) var nearest: sampler;
    @group(0) @binding(3) var<storage> x: array<f32>;`).toEqualTypeOf<{
    readonly p: number | { readonly a: number } | Naturals;
    readonly x: Floats;
  }>();
});

test("a binding of a type that is not understood takes anything", () => {
  bindingsOf(`
    struct Odd { a: f32, b: Missing }
    @group(0) @binding(0) var<uniform> odd: Odd;
    @group(0) @binding(1) var<storage> odds: array<Odd>;
    @group(0) @binding(2) var<storage> b: array<vec5f>;
    @group(0) @binding(3) var<storage> x: array<f32>;`).toEqualTypeOf<{
    readonly odd: BindingValue;
    readonly odds: BindingValue;
    readonly b: BindingValue;
    readonly x: Floats;
  }>();
});

test("with several entry points, each of which may use some, no binding is required", () => {
  bindingsOf(`
    @group(0) @binding(0) var<storage> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64) fn fill() { y[0] = 1; }
    @compute @workgroup_size(64) fn copy() { y[0] = x[0]; }`).toEqualTypeOf<{
    readonly x?: Floats;
    readonly y?: ReadWrite<Floats>;
  }>();
});

test("a text that is not known, or not in full, or not understood, gives loose types", () => {
  const x = "@group(0) @binding(0) var<storage> x: array<f32>;";
  bindingsOf(x as string).toEqualTypeOf<Bindings>();
  bindingsOf(`${x as string} fn main() {}`).toEqualTypeOf<Bindings>();
  bindingsOf(`@group(0) @binding(0) var<storage> x: array<f32, ${3 as number}>;`).toEqualTypeOf<Bindings>();
  bindingsOf("@compute @workgroup_size(1) fn main() {}").toEqualTypeOf<Bindings>();
  bindingsOf(`${x}\n@ group(0) @binding(1) var<storage> y: array<f32>;`).toEqualTypeOf<Bindings>();
  bindingsOf("// one\u2028@group(0) @binding(0) var<storage> x: array<f32>;").toEqualTypeOf<Bindings>();
  bindingsOf(`${x} ${64} const count = ${64};`).toEqualTypeOf<{ readonly x: Floats }>();
});

test("one of several texts gives one of their types", () => {
  bindingsOf(
    "@group(0) @binding(0) var<storage> x: array<f32>;" as
      | "@group(0) @binding(0) var<storage> x: array<f32>;"
      | "@group(0) @binding(0) var<storage> x: array<u32>;",
  ).toEqualTypeOf<{ readonly x: Floats } | { readonly x: Naturals }>();
});

test("bindings may have names that every object inherits, and such a type is looked up as any other", () => {
  bindingsOf(`
    struct toString { valueOf: f32, b: f32 }
    @group(0) @binding(0) var<uniform> constructor: toString;
    @group(0) @binding(1) var<uniform> odd: valueOf;`).toEqualTypeOf<{
    readonly constructor: { readonly valueOf: number; readonly b: number } | Floats;
    readonly odd: BindingValue;
  }>();
});
