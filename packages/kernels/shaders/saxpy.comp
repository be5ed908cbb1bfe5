#version 450

// y = alpha * x + y, in place.

layout(local_size_x = 256) in;

layout(std140, set = 0, binding = 0) uniform Alpha { float value; } alpha;
layout(std430, set = 0, binding = 1) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 2) buffer Y { float y[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < uint(y.length())) {
    y[i] = alpha.value * x[i] + y[i];
  }
}
