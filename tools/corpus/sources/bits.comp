#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint v = x[i];
  int s = int(v);
  uint at = i * 12u;
  y[at] = uint(bitCount(v));
  y[at + 1u] = bitfieldReverse(v);
  y[at + 2u] = bitfieldExtract(v, 5, 9);
  y[at + 3u] = uint(bitfieldExtract(s, 3, 7));
  y[at + 4u] = bitfieldInsert(v, 0x2au, 11, 6);
  y[at + 5u] = uint(findLSB(v));
  y[at + 6u] = uint(findMSB(v));
  y[at + 7u] = uint(findMSB(s));
  y[at + 8u] = (v << (v & 31u)) ^ (v >> 3) ^ uint(s >> 5);
  y[at + 9u] = ~v & 0xff00ff00u | v & 0x00ff00ffu;
  y[at + 10u] = v / 7u + v % 13u;
  y[at + 11u] = uint(s / 7 + max(s, -s) - clamp(s, -1000, 1000));
}
