#version 450
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) readonly buffer X { int x[]; };
layout(std430, set = 0, binding = 1) buffer U { uint u[6]; };
layout(std430, set = 0, binding = 2) buffer I { int s[3]; };
void main() {
  int v = x[gl_GlobalInvocationID.x];
  uint w = uint(v);
  atomicAdd(u[0], w);
  atomicMin(u[1], w);
  atomicMax(u[2], w);
  atomicAnd(u[3], w);
  atomicOr(u[4], w);
  atomicXor(u[5], w);
  atomicAdd(s[0], v);
  atomicMin(s[1], v);
  atomicMax(s[2], v);
}
