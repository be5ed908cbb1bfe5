#version 450
layout(local_size_x = 32) in;
layout(std430, set = 0, binding = 0) buffer Y { uint total; };
layout(std430, set = 0, binding = 1) readonly buffer X { uint x[]; };
void main() {
  uint add = x[gl_LocalInvocationIndex];
  uint old = atomicAdd(total, 0u);
  for (int tries = 0; tries < 10000; tries++) {
    uint found = atomicCompSwap(total, old, old + add);
    if (found == old) break;
    old = found;
  }
}
