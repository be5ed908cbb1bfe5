@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x * 12u;
  let v = x[id.x];
  let one = modf(v);
  y[at] = one.fract;
  y[at + 1u] = one.whole;
  let two = modf(vec2f(v, -v * 1.5));
  y[at + 2u] = two.fract.y;
  y[at + 3u] = two.whole.x * 4.0 + two.whole.y;
  let parts = frexp(v);
  y[at + 4u] = parts.fract;
  y[at + 5u] = f32(parts.exp);
  let three = frexp(vec3f(v * 0.125, -v, v * 1e-30));
  y[at + 6u] = three.fract.x;
  y[at + 7u] = three.fract.y;
  y[at + 8u] = ldexp(three.fract.z, three.exp.z + 100);
  y[at + 9u] = f32(three.exp.x + 1000 * three.exp.y);
  y[at + 10u] = 1.0 / y[at];
  y[at + 11u] = f32(three.exp.z);
}
