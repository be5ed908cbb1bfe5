#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
uint seed;
uint history[4];
uint step_() { seed ^= seed << 13; seed ^= seed >> 17; seed ^= seed << 5; return seed; }
void main() {
  uint i = gl_GlobalInvocationID.x;
  seed = x[i] | 1u;
  for (int k = 0; k < 9; k++) history[k & 3] = step_();
  y[i] = history[0] ^ history[1] ^ history[2] ^ history[3];
}
