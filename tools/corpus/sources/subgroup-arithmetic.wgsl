enable subgroups;
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(32) fn main(@builtin(local_invocation_index) i: u32, @builtin(subgroup_size) size: u32) {
  let v = x[i];
  y[i * 6u] = size;
  y[i * 6u + 1u] = subgroupAdd(v);
  y[i * 6u + 2u] = subgroupMin(v);
  y[i * 6u + 3u] = subgroupMax(v);
  y[i * 6u + 4u] = subgroupExclusiveAdd(v);
  y[i * 6u + 5u] = subgroupInclusiveAdd(v) + subgroupXor(v);
}
