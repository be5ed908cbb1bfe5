// Multiplies each element of x by a factor. `npm run dev` writes the types of these bindings into scale.wgsl.ts.
@group(0) @binding(0) var<uniform> factor: f32;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  // The last workgroup may have more threads than there are elements.
  if (id.x < arrayLength(&y)) { y[id.x] = factor * x[id.x]; }
}
