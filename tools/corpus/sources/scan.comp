#version 450
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
shared uint tile[64];
void main() {
  uint i = gl_LocalInvocationIndex;
  tile[i] = x[gl_GlobalInvocationID.x];
  barrier();
  for (uint step_ = 1; step_ < 64; step_ *= 2) {
    uint left = i >= step_ ? tile[i - step_] : 0u;
    barrier();
    tile[i] += left;
    barrier();
  }
  y[gl_GlobalInvocationID.x] = tile[i];
}
