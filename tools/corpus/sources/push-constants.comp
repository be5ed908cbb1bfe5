#version 450
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) buffer Y { float y[]; };
layout(push_constant) uniform Push { vec3 direction; float scale; uint n; ivec2 shift; } push;
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < push.n) y[i] = push.scale * x[i] + push.direction.y + float(push.shift.x - push.shift.y);
}
