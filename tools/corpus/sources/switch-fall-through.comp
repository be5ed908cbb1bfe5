#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { int x[]; };
layout(std430, set = 0, binding = 1) buffer Y { int y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  int v = x[i];
  switch (v & 3) {
    case 0: v += 100; 
    case 1: v *= 3; break;
    default: v = -v;
  }
  y[i] = v;
}
