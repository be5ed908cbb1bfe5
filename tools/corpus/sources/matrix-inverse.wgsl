@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
  let v = x[id.x];
  let m = mat2x2f(v.x + 20.0, v.y, v.z, v.w + 20.0);
  let d = determinant(m);
  y[id.x] = vec4f(m[1].y, -m[0].y, -m[1].x, m[0].x) / d;
}
