#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { vec4 x[]; };
layout(std430, set = 0, binding = 1) buffer Y { vec4 y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  mat2 m = inverse(mat2(x[i].x + 20.0, x[i].y, x[i].z, x[i].w + 20.0));
  y[i] = vec4(m[0], m[1]);
}
