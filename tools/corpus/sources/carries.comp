#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint carry, high, low;
  uint sum = uaddCarry(x[i], x[i + 1u], carry);
  umulExtended(x[i], x[i + 1u], high, low);
  y[i] = sum ^ carry ^ high ^ low;
}
