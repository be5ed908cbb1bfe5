#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint a = x[2u * i], b = x[2u * i + 1u], at = 16u * i;
  uint carry, borrow, high, low;
  y[at] = uaddCarry(a, b, carry);
  y[at + 1u] = carry;
  y[at + 2u] = usubBorrow(a, b, borrow);
  y[at + 3u] = borrow;
  umulExtended(a, b, high, low);
  y[at + 4u] = high;
  y[at + 5u] = low;
  int signedHigh, signedLow;
  imulExtended(int(a), int(b), signedHigh, signedLow);
  y[at + 6u] = uint(signedHigh);
  y[at + 7u] = uint(signedLow);
  uvec2 highs, lows, carries;
  umulExtended(uvec2(a, b), uvec2(b, 0xaaaaaaabu), highs, lows);
  y[at + 8u] = highs.x ^ lows.x;
  y[at + 9u] = highs.y >> 1u;
  ivec2 signedHighs, signedLows;
  imulExtended(ivec2(a, b), ivec2(b, -7), signedHighs, signedLows);
  y[at + 10u] = uint(signedHighs.x);
  y[at + 11u] = uint(signedHighs.y);
  uvec2 sums = uaddCarry(uvec2(a, b), uvec2(b, ~0u), carries);
  y[at + 12u] = sums.y;
  y[at + 13u] = carries.x + 2u * carries.y;
  uvec2 differences = usubBorrow(uvec2(a, b), uvec2(b, ~0u), carries);
  y[at + 14u] = differences.y;
  y[at + 15u] = carries.x + 2u * carries.y;
}
