#version 450
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
shared uint tile[32];
uint neighbour(uint value, uint by) {
  tile[gl_LocalInvocationIndex] = value;
  barrier();
  uint other = tile[(gl_LocalInvocationIndex + by + gl_WorkGroupID.x) & 31u];
  barrier();
  return other;
}
uint twice(uint value) { return neighbour(neighbour(value, 1u), gl_WorkGroupID[gl_WorkGroupID.y]); }
void main() {
  if (gl_WorkGroupID.x >= 3u) return;
  uint sum = 0u;
  for (uint block = gl_WorkGroupID.x; block < 8u; block += gl_NumWorkGroups.x) {
    uint v = x[block * 32u + gl_LocalInvocationIndex];
    sum += block & gl_WorkGroupID.x;
    if ((block & 1u) == 1u) sum += twice(v); else sum += neighbour(v, block);
  }
  y[gl_GlobalInvocationID.x] = sum;
}
