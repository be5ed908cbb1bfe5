/** The shader of every peer that accepts WGSL; Kiln's own has the same body and workgroup size. */
export const additionWgsl = /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&c)) { c[id.x] = a[id.x] + b[id.x]; }
}`;

/** @param {number} length */
export const workgroupsFor = (length) => Math.ceil(length / 256);
