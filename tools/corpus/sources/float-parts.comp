#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) buffer Y { float y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x, at = i * 12u;
  float v = x[i], whole;
  y[at] = modf(v, whole);
  y[at + 1u] = whole;
  vec2 wholes;
  vec2 rests = modf(vec2(v, -v * 1.5), wholes);
  y[at + 2u] = rests.y;
  y[at + 3u] = wholes.x * 4.0 + wholes.y;
  int exponent;
  y[at + 4u] = frexp(v, exponent);
  y[at + 5u] = float(exponent);
  ivec3 exponents;
  vec3 mantissas = frexp(vec3(v * 0.125, -v, v * 1e-30), exponents);
  y[at + 6u] = mantissas.x;
  y[at + 7u] = mantissas.y;
  y[at + 8u] = ldexp(mantissas.z, exponents.z + 100);
  y[at + 9u] = float(exponents.x + 1000 * exponents.y);
  y[at + 10u] = 1.0 / y[at];
  y[at + 11u] = float(exponents.z);
}
