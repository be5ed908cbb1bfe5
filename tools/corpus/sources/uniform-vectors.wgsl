struct Pair { first: vec3f, second: u32 }
struct Params { alpha: f32, offset: vec3f, count: i32, basis: mat3x3f, list: array<vec4f, 2>, pair: Pair, last: vec2u }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> o: array<f32>;
@compute @workgroup_size(1) fn main() {
  var at = 0;
  o[at] = params.alpha; at++;
  for (var i = 0; i < 3; i++) { o[at] = params.offset[i]; at++; }
  o[at] = f32(params.count); at++;
  for (var c = 0; c < 3; c++) { for (var r = 0; r < 3; r++) { o[at] = params.basis[c][r]; at++; } }
  for (var l = 0; l < 2; l++) { for (var i = 0; i < 4; i++) { o[at] = params.list[l][i]; at++; } }
  for (var i = 0; i < 3; i++) { o[at] = params.pair.first[i]; at++; }
  o[at] = f32(params.pair.second); at++;
  o[at] = f32(params.last.y);
}
