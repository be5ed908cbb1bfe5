#version 450
layout(local_size_x = 8) in;
struct State { uint seed; uint calls; float last[3]; };
layout(std430, set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(std430, set = 0, binding = 1) buffer Y { float y[]; };
const float table[5] = float[5](1.5, -2.0, 3.25, 4.0, -0.5);
uint next(inout State s) { s.seed = s.seed * 1664525u + 1013904223u; s.calls++; return s.seed >> 8; }
bool draw(inout State s, out float v) {
  uint n = next(s);
  v = table[n % 5u];
  s.last[s.calls % 3u] = v;
  return (n & 1u) == 0;
}
void main() {
  uint i = gl_GlobalInvocationID.x;
  State s = State(x[i], 0u, float[3](0.0, 0.0, 0.0));
  float sum = 0.0;
  for (int k = 0; k < 10; k++) { float v; if (draw(s, v)) sum += v; else if (sum > 20.0) break; }
  y[i] = sum + s.last[0] * 2.0 + s.last[1] * 4.0 + s.last[2] * 8.0 + float(s.calls);
}
