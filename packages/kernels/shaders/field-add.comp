#version 450

// c = a + b, element by element.

layout(local_size_x = 256) in;

layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };
layout(std430, set = 0, binding = 1) readonly buffer B { float b[]; };
layout(std430, set = 0, binding = 2) writeonly buffer C { float c[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < uint(c.length())) {
    c[i] = a[i] + b[i];
  }
}
