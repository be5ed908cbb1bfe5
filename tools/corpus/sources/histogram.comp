#version 450
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Bins { uint bins[16]; };
shared uint local_bins[16];
void main() {
  uint i = gl_LocalInvocationIndex;
  if (i < 16) local_bins[i] = 0;
  barrier();
  atomicAdd(local_bins[x[gl_GlobalInvocationID.x] & 15u], 1u);
  barrier();
  if (i < 16) atomicAdd(bins[i], local_bins[i]);
}
