#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { uint y[]; };
uint collatz(uint n) { uint steps = 0; while (n != 1) { n = (n & 1u) == 0 ? n >> 1 : 3 * n + 1; steps++; } return steps; }
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint n = x[i] % 100u + 1u;
  uint sum = 0;
  for (uint a = 0; a < n; a++) {
    if (a % 5u == 3u) continue;
    for (uint b = a; ; b += 2) {
      if (b > a + 6u) break;
      if (b % 7u == 0u) { sum += 1000u; continue; }
      sum += b;
    }
    if (sum > 100000u) break;
  }
  uint k = 0;
  do { sum ^= k; k += 3; } while (k < n);
  y[i] = sum + collatz(n);
}
