#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint v = x[i];
  uint at = i * 4u;
  y[at] = packUnorm4x8(unpackUnorm4x8(v));
  y[at + 1u] = packUnorm2x16(unpackUnorm2x16(v));
  y[at + 2u] = packHalf2x16(vec2(float(v & 1023u), -float((v >> 10) & 1023u)));
  y[at + 3u] = floatBitsToUint(uintBitsToFloat((v & 0x7fffffu) | 0x3f800000u) - 1.0);
}
