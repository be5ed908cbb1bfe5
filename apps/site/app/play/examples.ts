/** The examples of the playground's menu, each with inputs and a view that suits it. */
import type { Program } from "./program.js";

export interface Example {
  readonly name: string;
  readonly program: Program;
}

const program = (wgsl: string, rest: Partial<Omit<Program, "v" | "wgsl">> = {}): Program => ({
  v: 1,
  wgsl,
  inputs: {},
  outputs: {},
  constants: {},
  threads: "",
  view: { tab: "table" },
  ...rest,
});

export const examples: readonly [Example, ...Example[]] = [
  {
    name: "Mandelbrot set",
    program: program(
      `struct View { width: u32, height: u32, center: vec2f, scale: f32 }
@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read_write> pixels: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= view.width || id.y >= view.height) { return; }
  let size = vec2f(f32(view.width), f32(view.height));
  let c = view.center + view.scale * (vec2f(id.xy) + 0.5 - size / 2) / size.y;
  var z = vec2f();
  var steps = 0u;
  while (steps < 200 && dot(z, z) < 64) {
    z = vec2f(z.x * z.x - z.y * z.y, 2 * z.x * z.y) + c;
    steps++;
  }
  let smoothed = f32(steps) + 1 - log2(log2(dot(z, z)) / 2);
  let color = 0.5 + 0.5 * cos(vec3f(3.0, 3.6, 4.2) + 0.15 * smoothed);
  pixels[id.y * view.width + id.x] = pack4x8unorm(vec4f(select(color, vec3f(), steps == 200), 1));
}
`,
      {
        inputs: { "view.width": "480", "view.height": "320", "view.center": "-0.65, 0", "view.scale": "2.4" },
        outputs: { pixels: 480 * 320 },
        threads: "480, 320",
        view: { tab: "image", width: 480, pixels: "rgba" },
      },
    ),
  },
  {
    name: "Scale",
    program: program(
      `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<uniform> factor: f32;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&y)) { y[id.x] = factor * x[id.x]; }
}
`,
      { inputs: { x: "1, 2, 3", factor: "2" }, outputs: { y: 3 } },
    ),
  },
  {
    name: "Waves",
    program: program(
      `@group(0) @binding(0) var<uniform> frequency: f32;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let count = arrayLength(&y);
  if (id.x >= count) { return; }
  let t = f32(id.x) / f32(count);
  y[id.x] = sin(frequency * t) * exp(-3 * t);
}
`,
      { inputs: { frequency: "60" }, outputs: { y: 600 }, view: { tab: "plot" } },
    ),
  },
  {
    name: "Sums of workgroups",
    program: program(
      `@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
var<workgroup> tile: array<u32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
) {
  tile[local] = 0;
  if (id.x < arrayLength(&values)) { tile[local] = values[id.x]; }
  workgroupBarrier();
  for (var width = 32u; width > 0; width /= 2) {
    if (local < width) { tile[local] += tile[local + width]; }
    workgroupBarrier();
  }
  if (local == 0) { sums[workgroup.x] = tile[0]; }
}
`,
      { inputs: { values: "ramp(256)" }, outputs: { sums: 4 }, threads: "256" },
    ),
  },
  {
    name: "Histogram",
    program: program(
      `@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;

// The sum of two random numbers: a triangle.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (2 * id.x + 1 >= arrayLength(&values)) { return; }
  let sum = (values[2 * id.x] + values[2 * id.x + 1]) / 2;
  let bin = u32(sum * f32(arrayLength(&counts)));
  atomicAdd(&counts[min(bin, arrayLength(&counts) - 1)], 1u);
}
`,
      { inputs: { values: "random(1, 200000)" }, outputs: { counts: 64 }, threads: "100000", view: { tab: "plot" } },
    ),
  },
  {
    name: "Box blur",
    program: program(
      `override radius: i32 = 3;
@group(0) @binding(0) var<uniform> width: u32;
@group(0) @binding(1) var<storage, read> image: array<f32>;
@group(0) @binding(2) var<storage, read_write> blurred: array<f32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let height = arrayLength(&image) / width;
  if (id.x >= width || id.y >= height) { return; }
  let last = vec2i(i32(width), i32(height)) - 1;
  var sum = 0.0;
  for (var y = -radius; y <= radius; y++) {
    for (var x = -radius; x <= radius; x++) {
      let at = clamp(vec2i(id.xy) + vec2i(x, y), vec2i(), last);
      sum += image[u32(at.y) * width + u32(at.x)];
    }
  }
  let side = f32(2 * radius + 1);
  blurred[id.y * width + id.x] = sum / (side * side);
}
`,
      {
        inputs: { width: "128", image: "random(7, 16384)" },
        outputs: { blurred: 16384 },
        threads: "128, 128",
        view: { tab: "image", width: 128, pixels: "colors" },
      },
    ),
  },
  {
    name: "Matrix product",
    program: program(
      `override n: u32 = 64;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= n || id.y >= n) { return; }
  var sum = 0.0;
  for (var i = 0u; i < n; i++) { sum += a[id.y * n + i] * b[i * n + id.x]; }
  c[id.y * n + id.x] = sum;
}
`,
      {
        inputs: { a: "random(1, 4096)", b: "random(2, 4096)" },
        outputs: { c: 4096 },
        threads: "64, 64",
        view: { tab: "image", width: 64, pixels: "colors" },
      },
    ),
  },
];
