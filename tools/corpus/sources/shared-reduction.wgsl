@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
var<workgroup> tile: array<u32, 64>;
@compute @workgroup_size(64) fn main(
  @builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32,
) {
  tile[i] = x[id.x];
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (i < half) { tile[i] += tile[i + half]; }
    workgroupBarrier();
  }
  if (i == 0u) { y[group.x] = tile[0]; }
}
