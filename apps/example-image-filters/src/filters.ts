import { defineKernel } from "kiln-gpu";

/** A picture's bytes, four for each pixel, as colors from 0 to 1. */
export const unpack = defineKernel({
  label: "unpack",
  wgsl: `
    @group(0) @binding(0) var<storage, read> picture: array<u32>;
    @group(0) @binding(1) var<storage, read_write> image: array<vec4f>;

    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&image)) { image[id.x] = unpack4x8unorm(picture[id.x]); }
    }`,
});

/** One direction of a Gaussian blur. `axis` is [1, 0] or [0, 1]; outside of the image its edge is repeated. */
export const blur = defineKernel({
  label: "blur",
  wgsl: `
    @group(0) @binding(0) var<uniform> size: vec2i;
    @group(0) @binding(1) var<uniform> axis: vec2i;
    @group(0) @binding(2) var<uniform> radius: f32;
    @group(0) @binding(3) var<storage, read> image: array<vec4f>;
    @group(0) @binding(4) var<storage, read_write> result: array<vec4f>;

    @compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
      let at = vec2i(id.xy);
      if (any(at >= size)) { return; }
      let sigma = max(radius / 2, 0.01);
      let reach = i32(ceil(radius));
      var sum = vec4f();
      var weights = 0.0;
      for (var i = -reach; i <= reach; i++) {
        let source = clamp(at + i * axis, vec2i(0), size - 1);
        let weight = exp(-f32(i * i) / (2 * sigma * sigma));
        sum += weight * image[source.y * size.x + source.x];
        weights += weight;
      }
      result[at.y * size.x + at.x] = sum / weights;
    }`,
});

/** An unsharp mask: -1 is the blurred image, 0 the image itself, and more than 0 is sharper. */
export const detail = defineKernel({
  label: "detail",
  wgsl: `
    @group(0) @binding(0) var<uniform> amount: f32;
    @group(0) @binding(1) var<storage, read> image: array<vec4f>;
    @group(0) @binding(2) var<storage, read> blurred: array<vec4f>;
    @group(0) @binding(3) var<storage, read_write> result: array<vec4f>;

    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= arrayLength(&result)) { return; }
      let color = image[id.x];
      let difference = color.rgb - blurred[id.x].rgb;
      result[id.x] = vec4f(clamp(color.rgb + amount * difference, vec3f(0), vec3f(1)), color.a);
    }`,
});

/** Fades into the edges of the image (Sobel): 0 is the image itself, 1 its edges alone. */
export const edges = defineKernel({
  label: "edges",
  wgsl: `
    @group(0) @binding(0) var<uniform> size: vec2i;
    @group(0) @binding(1) var<uniform> amount: f32;
    @group(0) @binding(2) var<storage, read> image: array<vec4f>;
    @group(0) @binding(3) var<storage, read_write> result: array<vec4f>;

    fn grey(at: vec2i) -> f32 {
      let inside = clamp(at, vec2i(0), size - 1);
      return dot(image[inside.y * size.x + inside.x].rgb, vec3f(0.2126, 0.7152, 0.0722));
    }

    @compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
      let at = vec2i(id.xy);
      if (any(at >= size)) { return; }
      var gradient = vec2f();
      for (var i = -1; i <= 1; i++) {
        let weight = f32(2 - abs(i));
        gradient.x += weight * (grey(at + vec2i(1, i)) - grey(at + vec2i(-1, i)));
        gradient.y += weight * (grey(at + vec2i(i, 1)) - grey(at + vec2i(i, -1)));
      }
      let color = image[at.y * size.x + at.x];
      result[at.y * size.x + at.x] = vec4f(mix(color.rgb, vec3f(length(gradient)), amount), color.a);
    }`,
});

/** Changes saturation and contrast (1 leaves them) and brightness (0 leaves it), and writes bytes again. */
export const colors = defineKernel({
  label: "colors",
  wgsl: `
    @group(0) @binding(0) var<uniform> saturation: f32;
    @group(0) @binding(1) var<uniform> contrast: f32;
    @group(0) @binding(2) var<uniform> brightness: f32;
    @group(0) @binding(3) var<storage, read> image: array<vec4f>;
    @group(0) @binding(4) var<storage, read_write> picture: array<u32>;

    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= arrayLength(&picture)) { return; }
      let color = image[id.x];
      let grey = vec3f(dot(color.rgb, vec3f(0.2126, 0.7152, 0.0722)));
      let saturated = mix(grey, color.rgb, saturation);
      picture[id.x] = pack4x8unorm(vec4f((saturated - 0.5) * contrast + 0.5 + brightness, color.a));
    }`,
});
