#version 450
layout(local_size_x = 8) in;
layout(constant_id = 0) const uint seed = 0x9e3779b9u;
layout(constant_id = 1) const float big = 3e38;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
const float infinity = 1.0 / 0.0;
const float table[4] = float[4](1.0 / 0.0, -1.0 / 0.0, 3.402823466e+38, -3.402823466e+38);
float least = -1.0 / 0.0;
void main() {
  uint i = gl_GlobalInvocationID.x, at = i * 16u;
  float v = x[i];
  float most = uintBitsToFloat(0xff800000u), smallest = infinity;
  for (uint k = i; k < i + 3u; k++) { most = max(most, x[k]); if (x[k] < smallest) smallest = x[k]; }
  y[at] = floatBitsToUint(most);
  y[at + 1u] = floatBitsToUint(smallest);
  y[at + 2u] = (isnan(v) ? 1u : 0u) + (isinf(v) ? 2u : 0u);
  vec4 four = vec4(v, -v, 1.0, v * x[10]);
  bvec4 nans = isnan(four), infinities = isinf(four);
  y[at + 3u] = uint(nans.x) + 2u * uint(nans.y) + 4u * uint(nans.z) + 8u * uint(nans.w) + 16u * uint(infinities.x) + 32u * uint(infinities.y) + 64u * uint(infinities.w);
  y[at + 4u] = floatBitsToUint(table[i & 3u]);
  y[at + 5u] = floatBitsToUint(max(v, -3.402823466e+38));
  y[at + 6u] = !(v < 1.0) ? 1u : 0u;
  y[at + 7u] = (!(v >= 1.0) ? 1u : 0u) + (!(v > 1.0) ? 2u : 0u) + (!(v <= 1.0) ? 4u : 0u);
  y[at + 8u] = (v == 1.0 ? 1u : 0u) + (!(v == 1.0) ? 2u : 0u) + (!(v == v) ? 4u : 0u);
  y[at + 9u] = seed * 2654435761u + 0x80000000u;
  y[at + 10u] = big * 10.0 > 3.4e38 ? 1u : 0u;
  y[at + 11u] = floatBitsToUint(least);
  y[at + 12u] = floatBitsToUint(v > 0.0 ? vec2(infinity, 2.0).x : vec2(1.0, -infinity).y);
  y[at + 13u] = uint(-2147483647 - 1) + floatBitsToUint(uintBitsToFloat(0x80000000u));
  y[at + 14u] = floatBitsToUint(v == infinity ? 1e-45 : 1.17549435e-38);
  y[at + 15u] = isnan(uintBitsToFloat(0x7fc00001u)) ? 1u : 0u;
}
