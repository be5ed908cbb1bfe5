#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { int x[]; };
layout(std430, set = 0, binding = 1) buffer Y { int y[]; };
int pick(int v) {
  switch (v & 7) {
    case 0: return 10;
    case 1:
    case 2: v += 5; break;
    case 5: { for (int i = 0; i < 3; i++) { if (i == 2) break; v *= 3; } break; }
    default: v = -v;
  }
  return v;
}
void main() { uint i = gl_GlobalInvocationID.x; y[i] = pick(x[i]); }
