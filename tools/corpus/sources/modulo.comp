#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { ivec2 x[]; };
layout(std430, set = 0, binding = 1) buffer Y { int y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  ivec2 v = x[i];
  ivec4 four = ivec4(v.x, v.y, v.x - 1, v.y + 1) % 7;
  ivec2 both = v % v.yx;
  uvec3 natural = uvec3(v.x, v.y, v.x) % uvec3(3u, 0x80000001u, 5u);
  y[i * 10u] = v.x % v.y;
  y[i * 10u + 1u] = v.y % -3;
  for (uint k = 0u; k < 4u; k++) y[i * 10u + 2u + k] = four[k];
  y[i * 10u + 6u] = both.x;
  y[i * 10u + 7u] = both.y;
  y[i * 10u + 8u] = int(natural.x + natural.z);
  y[i * 10u + 9u] = int(natural.y);
}
