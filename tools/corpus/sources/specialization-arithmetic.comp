#version 450
layout(local_size_x = 8) in;
layout(constant_id = 0) const uint K = 5;
layout(constant_id = 1) const int J = -7;
layout(constant_id = 2) const bool B = true;
const uint doubled = K * 2 + 1;
const int mixed = B ? J / 2 : J % 4;
const uvec3 shape = uvec3(K, K + 1, K << 2);
const bool both = B && K > 3u;
const int bits = (J >> 1) ^ 0x55;
const uint folded = shape.z - shape.y;
layout(std430, set = 0, binding = 0) readonly buffer X { int x[]; };
layout(std430, set = 0, binding = 1) buffer Y { int y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  y[i] = x[i] * int(doubled) + mixed + int(shape.y * folded) + (both ? bits : 1000);
}
