#version 450
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
shared uint tile[64];
void main() {
  uint i = gl_LocalInvocationIndex;
  tile[i] = x[gl_GlobalInvocationID.x];
  barrier();
  for (uint half_ = 32; half_ > 0; half_ >>= 1) {
    if (i < half_) tile[i] += tile[i + half_];
    barrier();
  }
  if (i == 0) y[gl_WorkGroupID.x] = tile[0];
}
