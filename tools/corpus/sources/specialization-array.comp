#version 450
layout(local_size_x = 16) in;
layout(constant_id = 1) const uint WIDTH = 16;
layout(constant_id = 2) const int DEPTH = 3;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
shared uint tile[WIDTH + 1];
void main() {
  uint i = gl_LocalInvocationIndex;
  uint kept[DEPTH];
  for (int k = 0; k < DEPTH; k++) kept[k] = x[(i + uint(k)) % 16u];
  tile[i] = kept[DEPTH - 1];
  if (i == 0) tile[WIDTH] = 1000;
  barrier();
  y[i] = tile[i + 1] + kept[0];
}
