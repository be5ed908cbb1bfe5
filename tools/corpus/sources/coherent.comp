#version 450
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) coherent volatile buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) restrict buffer Y { uint y[]; };
void main() {
  uint i = gl_LocalInvocationIndex;
  uint v = x[i];
  memoryBarrierBuffer();
  barrier();
  x[i ^ 1u] = v * 3u;
  memoryBarrier();
  barrier();
  y[i] = x[i];
}
