@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
fn pick(given: i32) -> i32 {
  var v = given;
  switch (v & 7) {
    case 0: { return 10; }
    case 1, 2: { v += 5; }
    case 5: { for (var i = 0; i < 3; i++) { if (i == 2) { break; } v *= 3; } }
    default: { v = -v; }
  }
  return v;
}
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = pick(x[id.x]); }
